"""The dosimeter in a run: background corrected before it is too old, the air told, readings that become rows.

Not verified on hardware, whichever way the dose comes.
"""

import json
import math
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, cast

from procedures.base import BenchProcedure
from xraydaq.errors import InstrumentError
from xraydaq.safety import WayBack
from xraydaq.storage import STATUS_FLAGS, Column

if TYPE_CHECKING:
    from instruments.accugold.dosimeter import DoseReading, Dosimeter

CORRECTED_BY = {"program": 1, "instrument": 2}
"""Code in the column `corrected_by`; 0 is a reading without value."""

CHAMBER = "chamber"
"""Kind of the event that names digitizer and chamber, as JSON."""

FRESH_S = 2400.0
"""Background correction and air count for an hour; a visit must end within it."""

DOSE_FLAGS = {
    "below_range": 0x0001, "over_rate": 0x0002, "over_dose": 0x0004, "zero_missing": 0x0008, "warming_up": 0x0010,
    "air_missing": 0x0020, "sensor_changed": 0x0040, "calibration_old": 0x0080, "link_lost": 0x0100,
}  # fmt: skip

COLUMNS = (
    Column("elapsed", "s", "time since the run started (monotonic), when the reading began"),
    Column("epoch", "s", "UTC, seconds since 1970-01-01"),
    Column("duration", "s", "time that the reading took"),
    Column("kerma_rate", "Gy/s", "mean air kerma rate, corrected for air density"),
    Column("dose", "Gy", "air kerma of the reading, corrected for air density"),
    Column("raw_rate", "Gy/s", "rate as it came from the dosimeter"),
    Column("k_tp", "", "air density factor"),
    Column("air_temperature", "K", "air at the chamber"),
    Column("air_pressure", "Pa", "air at the chamber"),
    Column("corrected_by", "", "who corrected for air density", dtype="u4", flags=CORRECTED_BY),
    Column("dose_flags", "", "flags of the dosimeter", dtype="u4", flags=DOSE_FLAGS),
    Column("status", "", "status of the row", dtype="u4", flags=STATUS_FLAGS),
)


class Dosimetry:
    """Takes dose readings for a procedure."""

    def __init__(
        self, procedure: BenchProcedure, air_temperature_k: float | None, air_pressure_pa: float | None
    ) -> None:
        self._run = procedure
        self._air = (air_temperature_k, air_pressure_pa)
        self._ready_s = -math.inf
        self.dosimeter = cast("Dosimeter", procedure.context.bench.instruments["dosimeter"])

    def prepare(self, way_back: WayBack) -> None:
        """Register the end of a measurement, and note which chamber it is."""
        way_back.add("dosimeter stopped", self.dosimeter.safe_off)
        chamber = self.dosimeter.identify().chamber
        known = {name: str(value) for name, value in asdict(chamber).items() if value}
        self._run.context.note(CHAMBER, json.dumps(known), "info")

    def keep_ready(self) -> None:
        """Have the background corrected and tell the air, the beam being off, where that was too long ago.

        Raises:
            Refused: the dosimeter cannot, and nobody did it.
            InstrumentError: it failed.
        """
        from instruments.accugold import Air

        clock = self._run.context.clock
        if clock.now() - self._ready_s < FRESH_S:
            return
        self._run.phase("background correction of the dosimeter")
        self.dosimeter.zero()
        temperature_k, pressure_pa = self._air
        if temperature_k is not None and pressure_pa is not None:
            self.dosimeter.set_air(Air(temperature_k, pressure_pa))
        self._ready_s = clock.now()

    def take(self, label: str, duration_s: float) -> tuple[dict[str, float], InstrumentError | None]:
        """Measure for a time; get the columns, without a value where it failed, and why it failed."""
        run = self._run
        begun = {"elapsed": run.elapsed_s, "epoch": run.context.clock.utc()}
        try:
            self.dosimeter.start(label)
            run.wait(duration_s)
            reading = self.dosimeter.read()
            self.dosimeter.stop()
        except InstrumentError as error:
            with suppress(InstrumentError):  # the failure to tell is the first one; the way back stops it again
                self.dosimeter.stop()
            return begun | _nothing(), error
        return begun | _values(reading), None


def _values(reading: "DoseReading") -> dict[str, float]:
    return {
        "duration": reading.time_s,
        "kerma_rate": reading.kerma_rate_gy_s,
        "dose": reading.dose_gy,
        "raw_rate": reading.raw_rate_gy_s,
        "k_tp": reading.k_tp,
        "air_temperature": reading.temperature_k,
        "air_pressure": reading.pressure_pa,
        "corrected_by": CORRECTED_BY[reading.corrected_by],
        "dose_flags": int(reading.flags),
        "status": 0,
    }


def _nothing() -> dict[str, float]:
    measured = ("duration", "kerma_rate", "dose", "raw_rate", "k_tp", "air_temperature", "air_pressure")
    return dict.fromkeys(measured, math.nan) | {
        "corrected_by": 0,
        "dose_flags": 0,
        "status": STATUS_FLAGS["bad_reply"],
    }
