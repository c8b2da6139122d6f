"""Photocurrent of the crystal at many dose rates: dark and beam by turns at every point, blank runs around them.

The tube is conditioned by switching it as the visits do: how warm it is depends on the share of time that it is on.
Not verified on hardware.
"""

from procedures.base import Plan
from procedures.chopped_plan import conditioning_cycles
from procedures.chopping import SETTLING_PERIOD_S, ChoppedBeamProcedure, Setting
from procedures.dose_sweep_order import Point, points_of, wanted_of
from procedures.dose_sweep_plan import plan_of
from procedures.parameters import described_by
from xraydaq.config import RunConfig
from xraydaq.config.recipes.dose_rate_sweep import DoseRateSweepParameters


@described_by(DoseRateSweepParameters)
class DoseRateSweep(ChoppedBeamProcedure):
    """Measure sensitivity, linearity and detection limit."""

    @classmethod
    def plan(cls, config: RunConfig) -> Plan:
        """Compute visits, beam time and dose; opens nothing."""
        return plan_of(config)

    def measure_all(self) -> None:
        """Settle in the dark, then visit every point; what an earlier segment has visited is left out."""
        left = [point for point in points_of(self.context.config) if not self.is_done(point.key)]
        if not left:
            return
        self._setting_up()
        conditioned = False
        for point in left:
            if not point.is_blank and not conditioned:
                self._condition()
                conditioned = True
            self._visit(point)
            self.checkpoint(point.key)

    def _setting_up(self) -> None:
        """Bring tube, stage and crystal to where they will stay."""
        wanted = wanted_of(self.context.config)
        self.beam.mount(max(wanted.foils_m))
        self.beam.warm_up(wanted.tube_voltage_v, wanted.reference_current_a, 0.0)
        self.stage.hold()
        self.source.switch_on()
        self.source.ramp_to(wanted.bias_v)
        if wanted.settle_duration_s > 0:
            self.phase("settling", f"{wanted.settle_duration_s:g} s in the dark")
        self.read_for(wanted.settle_duration_s, SETTLING_PERIOD_S)

    def _condition(self) -> None:
        """Condition the tube behind the thickest foil, so that the crystal gets little."""
        wanted = wanted_of(self.context.config)
        if conditioning_cycles(wanted):
            self.beam.mount(max(wanted.foils_m))
        self.condition(wanted.reference_current_a)

    def _visit(self, point: Point) -> None:
        wanted = wanted_of(self.context.config)
        self.phase(point.key, point.text)
        if not point.is_blank:
            self.beam.mount(point.foil_m)
        setting = Setting(wanted.tube_voltage_v, point.current_a)
        self.chop(point.number, setting, wanted.cycles, wanted.half_period_s, blank=point.is_blank)
