"""Parameters of ``bias_stability``: dark current against time at a constant bias.

Settings follow the measuring practice of the bench: a fixed range, 10 PLC, compliance at least ten times what is
expected, a baseline before and a tail after at 0 V.
"""

from typing import Annotated, Literal

from pydantic import Field

from xraydaq.config.envelope import CURRENT_RANGES_A
from xraydaq.config.values import Bounds, Model, Number, Quantity
from xraydaq.config.words import Choice

DAY_S = 86_400.0
LONGEST_S = 366 * DAY_S

Duration = Annotated[float, Quantity("s", "800 min", Bounds(above=0.0, at_most=LONGEST_S))]
OptionalDuration = Annotated[float, Quantity("s", "10 min", Bounds(at_least=0.0, at_most=LONGEST_S))]


class BiasStabilityParameters(Model):
    """The ``[parameters]`` table of a bias-stability recipe; SI inside."""

    bias_v: Annotated[float, Quantity("V", "5 V")] = Field(alias="bias")
    """Bias of the long phase, either sign; checked against every limit."""

    duration_s: Duration = Field(alias="duration")
    """Time at bias."""

    compliance_a: Annotated[float, Quantity("A", "50 uA", Bounds(at_least=1e-9, at_most=1.05))] = Field(
        alias="compliance"
    )
    """Largest current the source lets through."""

    period_s: Annotated[float, Quantity("s", "1 s", Bounds(above=0.0, at_most=DAY_S))] = Field(1.0, alias="period")
    """Time from one reading to the next."""

    baseline_duration_s: OptionalDuration = Field(60.0, alias="baseline_duration")
    """Time at 0 V before; zero leaves it out."""

    tail_duration_s: OptionalDuration = Field(600.0, alias="tail_duration")
    """Time at 0 V after, which shows absorption and offset; zero leaves it out."""

    ramp_rate_v_per_s: Annotated[float, Quantity("V/s", "1 V/s", Bounds(at_least=1e-3, at_most=100.0))] = Field(
        1.0, alias="ramp_rate"
    )
    """Rate of every change of bias; the way to 0 V takes at most 10 s whatever this says."""

    current_range_a: Annotated[float, Quantity("A", "10 uA", one_of=CURRENT_RANGES_A)] | None = Field(
        None, alias="current_range"
    )
    """Fixed measure range; None in a file, the smallest range for the sample's max_dark_current in a loaded run."""

    nplc: Annotated[float, Number(10, Bounds(at_least=0.01, at_most=10.0))] = 10.0
    """Integration time of a reading in power line cycles."""

    line_frequency_hz: Annotated[float, Quantity("Hz", "50 Hz", one_of=(50.0, 60.0))] = Field(
        50.0, alias="line_frequency"
    )
    """Mains frequency, the length of one power line cycle."""

    on_compliance: Annotated[Literal["stop", "flag"], Choice(("stop", "flag"))] = "stop"
    """What a reading in compliance does: end the run on the way back, or only be flagged in its row."""

    on_bad_reading: Annotated[Literal["nan", "fail"], Choice(("nan", "fail"))] = "nan"
    """What a reading that failed does: a flagged row without value, or the end; three in a row always end the run."""
