"""Calibration of the beam: an ion chamber in place of the crystal, every filter at several tube currents.

Each visit to a setting takes readings with the beam off and on by turns. Settings come in a random order that the
recipe's seed fixes; one setting is repeated all along. Not verified on hardware.
"""

import math
from typing import ClassVar

from procedures.base import BadReadings, BenchProcedure, Phase, Plan
from procedures.beam import COLUMNS as BEAM_COLUMNS
from procedures.beam import Beam
from procedures.calibration_order import (
    Visit,
    conditioning_cycles,
    conditioning_off_s,
    visit_s,
    visits_of,
    wanted_of,
)
from procedures.calibration_plan import beam_s, details, dose_gy, nominal_rate_gy_s, warnings
from procedures.dose_watch import DoseWatch
from procedures.dosimetry import COLUMNS as DOSE_COLUMNS
from procedures.dosimetry import Dosimetry
from procedures.parameters import described_by
from xraydaq.config import RunConfig
from xraydaq.config.recipes.dose_calibration import DoseCalibrationParameters
from xraydaq.errors import InstrumentError, SafetyTrip
from xraydaq.safety import WayBack
from xraydaq.storage import Column


@described_by(DoseCalibrationParameters)
class DoseCalibration(BenchProcedure):
    """Measure the air kerma rate of the beam where the crystal will be."""

    COLUMNS: ClassVar[tuple[Column, ...]] = (
        *DOSE_COLUMNS,
        *BEAM_COLUMNS,
        Column("point", "", "number of the visit to a setting, from 0", dtype="i4"),
        Column("repeat", "", "number of the reading within the visit, from 0", dtype="i4"),
        Column("reference", "", "1: the setting that is repeated all along", dtype="u4"),
    )
    SIGNAL: ClassVar[str] = "kerma_rate"

    @classmethod
    def plan(cls, config: RunConfig) -> Plan:
        """Compute visits, beam time and nominal dose; opens nothing."""
        wanted = wanted_of(config)
        visits = visits_of(wanted)
        setting = f"{wanted.tube_voltage_v / 1e3:g} kV, {wanted.reference_current_a * 1e6:g} uA"
        cycle_s = wanted.settle_duration_s + wanted.reading_duration_s + conditioning_off_s(wanted)
        conditioning_s = conditioning_cycles(wanted) * cycle_s
        phases = (
            Phase("warm-up", 0.0, wanted.warm_up_duration_s, 0, setting),
            Phase("conditioning", 0.0, conditioning_s, 0, f"{setting}, on and off"),
            Phase(
                "calibration", 0.0, len(visits) * visit_s(wanted), len(visits) * (2 * wanted.readings + 1),
                f"{len(visits)} visits to {len(wanted.foils_m) * len(wanted.tube_currents_a)} settings",
            ),
        )  # fmt: skip
        return Plan(
            tuple(phase for phase in phases if phase.duration_s > 0),
            ramp_s=0.0,
            details=details(config),
            beam_s=beam_s(wanted),
            dose_gy=dose_gy(config),
            warnings=warnings(config),
        )

    def prepare(self, way_back: WayBack) -> None:
        """Register X-rays off and the end of the measurement, then prepare tube and dosimeter."""
        self._wanted = wanted_of(self.context.config)
        self._beam = Beam(self)
        self._dosimetry = Dosimetry(self, self._wanted.air_temperature_k, self._wanted.air_pressure_pa)
        self._bad = BadReadings()
        self._watch = DoseWatch()
        self._beam.prepare(way_back)
        self._dosimetry.prepare(way_back)

    def measure_all(self) -> None:
        """Warm the tube, then visit every setting; what an earlier segment has visited is left out."""
        visits = [visit for visit in visits_of(self._wanted) if not self.is_done(visit.key)]
        if not visits:
            return
        self._beam.mount(self._wanted.reference_foil_m)
        self._beam.warm_up(
            self._wanted.tube_voltage_v, self._wanted.reference_current_a, self._wanted.warm_up_duration_s
        )
        self._condition()
        for visit in visits:
            self._visit(visit)
            self.checkpoint(visit.key)

    def _condition(self) -> None:
        """Switch the beam as the visits do: how warm the tube is depends on the share of time that it is on."""
        cycles = conditioning_cycles(self._wanted)
        if cycles:
            self.phase("conditioning", f"{cycles} cycles of beam on and off, without readings")
        for _ in range(cycles):
            self._beam.on(self._wanted.tube_voltage_v, self._wanted.reference_current_a)
            self.wait(self._wanted.settle_duration_s + self._wanted.reading_duration_s)
            self._beam.off()
            self.wait(conditioning_off_s(self._wanted))

    def _visit(self, visit: Visit) -> None:
        self.phase(visit.key, visit.text)
        self._beam.mount(visit.foil_m)
        self._dosimetry.keep_ready()
        self._dark(visit, 0)
        for repeat in range(self._wanted.readings):
            self._beam.on(self._wanted.tube_voltage_v, visit.current_a)
            self.wait(self._wanted.settle_duration_s)
            self._lit(visit, 2 * repeat + 1)
            self._beam.off()
            self._dark(visit, 2 * repeat + 2)

    def _lit(self, visit: Visit, repeat: int) -> None:
        rate_gy_s = self._read(visit, repeat)
        try:
            self._watch.lit(rate_gy_s, nominal_rate_gy_s(self.context.config, visit.foil_m, visit.current_a))
        except SafetyTrip:
            self._beam.off()
            raise

    def _dark(self, visit: Visit, repeat: int) -> None:
        """Read without beam; where that shows a dose, off is sent again and the next reading follows at once."""
        try:
            while self._watch.dark(self._read(visit, repeat)):
                self.context.note("dose", "the chamber shows a dose with the beam off: read again", "warning")
                self._beam.off()
        except SafetyTrip:
            self._beam.off()
            raise

    def _read(self, visit: Visit, repeat: int) -> float:
        """Take one reading, store its row, and get its rate: nan where it failed; three in a row end the run.

        The row holds the beam as it was during the reading.
        """
        others = {"point": visit.number, "repeat": repeat, "reference": int(visit.is_reference)}
        values, failure = self._dosimetry.take(visit.text, self._wanted.reading_duration_s)
        self.emit_row(**values | self._beam.values() | others)
        if failure is None:
            self._bad.good()
            return values["kerma_rate"]
        self.context.note("bad_reading", str(failure), "warning")
        self._bad.bad(InstrumentError(str(failure)))
        return math.nan
