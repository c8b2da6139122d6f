"""What all ways to a dose reading have in common: reading, chamber, and the correction that is applied once."""

import math
from dataclasses import dataclass
from datetime import date
from typing import Literal, Protocol

from instruments.accugold.air import Air, k_tp
from instruments.wire.accugold import DoseFlag
from xraydaq.errors import Refused

Source = Literal["operator", "imported", "bridge"]
NOT_FOR_RECORD = DoseFlag.ZERO_MISSING | DoseFlag.ENVIRONMENT_MISSING | DoseFlag.SENSOR_CHANGED | DoseFlag.LINK_LOST


@dataclass(frozen=True, slots=True)
class Chamber:
    """Digitizer and chamber as a person, a file or a bridge named them; serial numbers are text."""

    digitizer: str = ""
    digitizer_serial: str = ""
    chamber: str = ""
    chamber_serial: str = ""
    calibrated: date | None = None


@dataclass(frozen=True, slots=True)
class DosimeterIdentity:
    """What is known of the instrument. Nothing is asked of the digitizer itself."""

    manufacturer: str
    model: str
    serial: str
    firmware: str
    source: Source
    chamber: Chamber


@dataclass(frozen=True, slots=True)
class RawDose:
    """One measurement as it came; nan is what nobody said."""

    dose_gy: float
    rate_gy_s: float
    time_s: float
    air: Air | None
    flags: DoseFlag
    original: str


@dataclass(frozen=True, slots=True)
class DoseReading:
    """Air kerma of one measurement, at the reference air density. What is not known is nan.

    Not verified on hardware, whatever the source.
    """

    kerma_rate_gy_s: float
    dose_gy: float
    time_s: float
    temperature_k: float
    pressure_pa: float
    air_density_corrected: bool
    """Always true: a reading of which nobody knows is refused."""

    corrected_by: Literal["instrument", "program"]
    k_tp: float
    """The factor in the values if this program applied it; what it would be otherwise, nan if that is not known."""

    raw_dose_gy: float
    raw_rate_gy_s: float
    source: Source
    label: str
    flags: DoseFlag
    chamber: Chamber
    original: str
    """As it was typed, stood in the file, or came over the line."""

    read_s: float
    """When it was there, on the clock of the bench."""

    @property
    def for_record(self) -> bool:
        """Get whether nothing forbids to calibrate with it."""
        return not self.flags & NOT_FOR_RECORD and math.isfinite(self.kerma_rate_gy_s)


class Dosimeter(Protocol):
    """A way to dose readings. One measurement is `start`, some time, `read`, `stop`.

    A reading never ends an exposure: that is for the tube's own command and a time limit.
    """

    name: str

    def identify(self) -> DosimeterIdentity:
        """Get what is known of the instrument."""

    def settings(self) -> dict[str, str]:
        """Get a snapshot that changes nothing."""

    def zero(self) -> None:
        """Have the background correction done, the beam being off; returns when it is done.

        Raises:
            Refused: there is no way to do it or to know that it was done.
        """

    def set_air(self, air: Air) -> None:
        """Say in which air is measured from now on."""

    def start(self, label: str) -> None:
        """Begin a measurement; `label` says of what, for the person at the instrument and for the record."""

    def read(self) -> DoseReading:
        """Get the measurement that was begun."""

    def stop(self) -> None:
        """End the measurement; harmless without one."""

    def safe_off(self) -> None:
        """End the measurement; a dosimeter holds nothing dangerous."""

    def shutdown(self) -> None:
        """End the measurement as far as possible; never raises."""

    def close(self) -> None:
        """Give the connection back; twice is harmless."""


def assess(
    raw: RawDose, *, corrected: bool | None, reference: Air | None, name: str, source: Source, label: str,
    chamber: Chamber, read_s: float,
) -> DoseReading:  # fmt: skip
    """Turn a measurement into a reading; the only place where the air density factor is applied.

    Raises:
        Refused: nobody said whether the values are corrected, or they are not and the air or the reference is unknown.
    """
    factor = math.nan if raw.air is None or reference is None else k_tp(raw.air, reference)
    if corrected is None:
        raise Refused(f"{name}: it is not known whether the air density correction is in the reading; say so once")
    if not corrected and math.isnan(factor):
        raise Refused(f"{name}: the reading is not corrected, and the air or its reference conditions are not known")
    applied = 1.0 if corrected else factor
    dose_gy, rate_gy_s = _complete(raw)
    flags = raw.flags | (DoseFlag.ENVIRONMENT_MISSING if raw.air is None else DoseFlag(0))
    return DoseReading(
        kerma_rate_gy_s=rate_gy_s * applied,
        dose_gy=dose_gy * applied,
        time_s=raw.time_s,
        temperature_k=math.nan if raw.air is None else raw.air.temperature_k,
        pressure_pa=math.nan if raw.air is None else raw.air.pressure_pa,
        air_density_corrected=True,
        corrected_by="instrument" if corrected else "program",
        k_tp=factor,
        raw_dose_gy=raw.dose_gy,
        raw_rate_gy_s=raw.rate_gy_s,
        source=source,
        label=label,
        flags=flags,
        chamber=chamber,
        original=raw.original,
        read_s=read_s,
    )


def _complete(raw: RawDose) -> tuple[float, float]:
    """Get dose and mean rate, the one from the other if need be; over range is unknown, not the last number."""
    dose_gy, rate_gy_s = raw.dose_gy, raw.rate_gy_s
    if DoseFlag.OVER_RATE in raw.flags:
        return math.nan, math.nan
    if DoseFlag.OVER_DOSE in raw.flags:
        return math.nan, rate_gy_s
    if raw.time_s > 0 and math.isfinite(dose_gy):
        rate_gy_s = dose_gy / raw.time_s  # over the whole measurement; a live rate is of its end only
    elif math.isnan(dose_gy):
        dose_gy = rate_gy_s * raw.time_s
    return dose_gy, rate_gy_s
