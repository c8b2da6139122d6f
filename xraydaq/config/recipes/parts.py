"""What the parameters of several procedures have in common: the bias source, the beam, the stage.

A model tells what it will do with each limited quantity by key and SI value; the checks across files read that.
"""

from collections.abc import Iterable
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from xraydaq.config.envelope import CURRENT_RANGES_A
from xraydaq.config.values import Bounds, Model, Number, Quantity
from xraydaq.config.words import Choice

DAY_S = 86_400.0
LONGEST_S = 366 * DAY_S

Duration = Annotated[float, Quantity("s", "800 min", Bounds(above=0.0, at_most=LONGEST_S))]
OptionalDuration = Annotated[float, Quantity("s", "10 min", Bounds(at_least=0.0, at_most=LONGEST_S))]
Bias = Annotated[float, Quantity("V", "5 V")]
TubeVoltage = Annotated[float, Quantity("V", "50 kV", Bounds(above=0.0, at_most=60e3))]
TubeCurrent = Annotated[float, Quantity("A", "100 uA", Bounds(above=0.0, at_most=1e-3))]
Aluminium = Annotated[float, Quantity("m", "2 mm", Bounds(at_least=0.0, at_most=0.05))]
Temperature = Annotated[float, Quantity("K", "298 K", Bounds(above=0.0, at_most=500.0))]


class ProcedureParameters(Model):
    """Base of every ``[parameters]`` table."""

    ROLES: ClassVar[tuple[str, ...]] = ()
    """Roles the bench must have."""

    NEEDS_CALIBRATION: ClassVar[bool] = False
    """The recipe must cite a dose calibration."""

    def biases(self) -> Iterable[tuple[str, float]]:
        """Get (key, bias in volt) of every bias that will be applied."""
        return ()

    def beams(self) -> Iterable[tuple[str, float, float]]:
        """Get (key of the current, tube voltage in volt, tube current in ampere) of every beam.

        The key of the voltage is ``tube_voltage``.
        """
        return ()

    def temperatures(self) -> Iterable[tuple[str, float]]:
        """Get (key, temperature in kelvin) of every temperature that will be set."""
        return ()

    def foils(self) -> Iterable[tuple[str, float]]:
        """Get (key, thickness in metres) of every foil that will be mounted behind the fixed filter; 0 is none."""
        return ()

    def periods(self) -> Iterable[tuple[str, float]]:
        """Get (key, time in seconds) of everything that must hold one reading of the source-measure unit."""
        return ()

    def problems(self) -> Iterable[tuple[str, str]]:
        """Get (key, what is wrong and what is allowed) of what the parameters do not allow each other."""
        return ()

    @property
    def roles(self) -> tuple[str, ...]:
        """Get the roles that a run with these values needs."""
        return self.ROLES


class SourceParameters(ProcedureParameters):
    """Parameters of a procedure whose source-measure unit biases the crystal and reads its current."""

    compliance_a: Annotated[float, Quantity("A", "50 uA", Bounds(at_least=1e-9, at_most=1.05))] = Field(
        alias="compliance"
    )
    """Largest current the source lets through."""

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

    stage_temperature_k: Temperature | None = Field(None, alias="stage_temperature")
    """Temperature that the stage is held at; left out, nothing is set and no temperature is logged."""

    @property
    def reading_time_s(self) -> float:
        """Get the integration time of a reading."""
        return self.nplc / self.line_frequency_hz

    @property
    def roles(self) -> tuple[str, ...]:
        """Get the roles that a run with these values needs."""
        held = self.stage_temperature_k is not None and "temperature" not in self.ROLES
        return (*self.ROLES, "temperature") if held else self.ROLES

    def temperatures(self) -> Iterable[tuple[str, float]]:
        """Get the temperature the stage is held at."""
        return () if self.stage_temperature_k is None else (("stage_temperature", self.stage_temperature_k),)


class ChoppedBeamParameters(SourceParameters):
    """Parameters of a procedure that switches the beam on and off while the current of the crystal is read."""

    ROLES: ClassVar[tuple[str, ...]] = ("smu", "tube", "filters")
    NEEDS_CALIBRATION: ClassVar[bool] = True

    period_s: Annotated[float, Quantity("s", "0.25 s", Bounds(above=0.0, at_most=1.0))] = Field(0.25, alias="period")
    """Time from one reading to the next; the tube is looked at between them."""

    tube_voltage_v: TubeVoltage = Field(50e3, alias="tube_voltage")
    """That of the calibration; never mixed within a run."""

    half_period_s: Annotated[float, Quantity("s", "20 s", Bounds(at_least=1.0, at_most=3600.0))] = Field(
        20.0, alias="half_period"
    )
    """Time with the beam on, and time with it off, of a cycle."""

    settle_duration_s: OptionalDuration = Field(3600.0, alias="settle_duration")
    """Time at bias in the dark before the first beam."""

    warm_up_duration_s: OptionalDuration = Field(900.0, alias="warm_up_duration")
    """Time the tube runs at the first setting before anything counts; at least 15 min are recommended."""

    def periods(self) -> Iterable[tuple[str, float]]:
        """Get the reading period."""
        return (("period", self.period_s),)

    def problems(self) -> Iterable[tuple[str, str]]:
        """Compare the chopping with the readings it must hold."""
        least_s = 6.0 + 20 * self.period_s
        if not self.half_period_s >= least_s:
            yield (
                "half_period",
                f"{self.half_period_s:g} s does not hold 6 s of settling and 20 readings every {self.period_s:g} s; "
                f"allowed: at least {least_s:g} s",
            )
