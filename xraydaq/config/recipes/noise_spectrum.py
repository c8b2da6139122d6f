"""Parameters of ``noise_spectrum``: noise of the biased crystal behind a preamplifier, several spans, and background.

Settings follow the measuring practice of the bench: bias from the preamplifier, no filters, DC coupling, one input
range for everything, 64 averages of Hann records at 50 % overlap, half an hour at bias before.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from xraydaq.config.messages import problem, shown
from xraydaq.config.recipes.parts import Bias, OptionalDuration, SourceParameters
from xraydaq.config.values import Bounds, Number, Quantities, Quantity
from xraydaq.config.words import Choice, Switch

SENSITIVITIES_A_V = tuple(float(f"{digit}e{power}") for power, digit in product(range(-12, -2), (1, 2, 5)))[:28]
"""Steps of an SR570."""

SPANS_HZ = tuple(102_400.0 / 2**n for n in range(20))
"""Of a 35670A with one input on ("GPIB Programming with the Agilent 35670A")."""

LINES = (100, 200, 400, 800, 1600)
LARGEST_BIAS_V = 5.0
GAIN_MODES = ("low_noise", "high_bandwidth", "low_drift")
LOW_TERMINALS = ("floating", "grounded")


@dataclass(frozen=True)
class LineCounts:
    """A list of whole numbers, each a number of lines that the analyser has."""

    example = (400, 1600)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "array", "items": {"type": "integer", "enum": list(LINES)}}

    def read(self, value: object) -> tuple[int, ...]:
        """Get the numbers of a TOML list."""
        if not isinstance(value, list) or not value:
            raise problem(f"{shown(value)} given; allowed: a list like [400, 1600]")
        each = Number(400, one_of=LINES, whole=True)
        return tuple(int(each.read(count)) for count in value)


class NoiseSpectrumParameters(SourceParameters):
    """The ``[parameters]`` table of a noise spectrum; SI inside.

    What concerns the source-measure unit (compliance, range, integration time) is for the dark current afterwards.
    """

    ROLES: ClassVar[tuple[str, ...]] = ("preamplifier", "analyser")

    bias_v: Bias = Field(alias="bias")
    """From the preamplifier during the spectra, either sign, up to 5 V; the same for the dark current."""

    sensitivity_a_v: Annotated[float, Quantity("A/V", "1 uA/V", one_of=SENSITIVITIES_A_V)] = Field(
        1e-6, alias="sensitivity"
    )
    """Its noise should stay below a third of the crystal's at the top of the band."""

    gain_mode: Annotated[Literal["low_noise", "high_bandwidth", "low_drift"], Choice(GAIN_MODES)] = "low_noise"
    """Of the preamplifier."""

    spans_hz: Annotated[tuple[float, ...], Quantities(Quantity("Hz", "25 Hz", Bounds(above=0.0)))] = Field(
        (25.0, 400.0), alias="spans"
    )
    """From 0 Hz: 102.4 kHz halved up to 19 times; where two overlap the narrower one counts."""

    lines: Annotated[tuple[int, ...], LineCounts()] = (400, 1600)
    """Of each span; 1600 needs a later firmware."""

    averages: Annotated[int, Number(64, Bounds(at_least=1, at_most=100_000), whole=True)] = 64
    """Records per spectrum."""

    overlap: Annotated[float, Quantity("", "50 %", Bounds(at_least=0.0, at_most=0.99))] = 0.5
    """Of the records; beyond 75 % nothing is won."""

    low_terminal: Annotated[Literal["floating", "grounded"], Choice(LOW_TERMINALS)] = "floating"
    """Of the analyser's input; changes pickup of the mains by 20 to 40 dB."""

    settle_duration_s: OptionalDuration = Field(1800.0, alias="settle_duration")
    """Time at bias before the first spectrum; at least 30 min are recommended."""

    open_input: Annotated[bool, Switch()] = True
    """Whether the spectra are repeated with nothing at the preamplifier."""

    zero_bias: Annotated[bool, Switch()] = True
    """Whether they are repeated with the crystal at 0 V, which shows its Johnson noise too."""

    rest_duration_s: OptionalDuration = Field(300.0, alias="rest_duration")
    """Time at 0 V before these."""

    current_duration_s: OptionalDuration = Field(1800.0, alias="current_duration")
    """Time the source-measure unit reads the dark current after the spectra, for shot noise and Allan deviation;
    zero leaves it out, and the run needs no source-measure unit."""

    period_s: Annotated[float, Quantity("s", "0.25 s", Bounds(above=0.0, at_most=60.0))] = Field(0.25, alias="period")
    """Time from one reading of the dark current to the next."""

    expected_noise_a2_hz: Annotated[float, Quantity("A^2/Hz", "1e-20 A^2/Hz", Bounds(above=0.0))] | None = Field(
        None, alias="expected_noise"
    )
    """Power density at 1 Hz, for the plan only: whether the preamplifier is quiet enough."""

    @property
    def roles(self) -> tuple[str, ...]:
        """Get the roles that a run with these values needs."""
        needed = super().roles
        return (*needed, "smu") if self.current_duration_s > 0 else needed

    @property
    def kinds(self) -> tuple[str, ...]:
        """Get what the preamplifier is connected to, in the order of the spectra."""
        wanted = {"device": True, "zero_bias": self.zero_bias, "open_input": self.open_input}
        return tuple(kind for kind, is_wanted in wanted.items() if is_wanted)

    def biases(self) -> Iterable[tuple[str, float]]:
        """Get the bias."""
        return (("bias", self.bias_v),)

    def periods(self) -> Iterable[tuple[str, float]]:
        """Get the reading period of the dark current."""
        return (("period", self.period_s),) if self.current_duration_s > 0 else ()

    def problems(self) -> Iterable[tuple[str, str]]:
        """Find what preamplifier and analyser do not have."""
        if not 0 < abs(self.bias_v) <= LARGEST_BIAS_V:
            yield "bias", f"{self.bias_v:g} V given; allowed: either sign, up to {LARGEST_BIAS_V:g} V, not 0 V"
        for span_hz in self.spans_hz:
            if not any(math.isclose(span_hz, each, rel_tol=1e-6) for each in SPANS_HZ):
                nearest = min(SPANS_HZ, key=lambda each: abs(math.log(each / span_hz)))
                yield (
                    "spans",
                    f"{span_hz:g} Hz is none of the analyser; allowed: 102.4 kHz halved, near: {nearest:g} Hz",
                )
        if len(self.lines) != len(self.spans_hz):
            yield "lines", f"{len(self.lines)} numbers for {len(self.spans_hz)} spans; allowed: one for each"
