"""The controller: set-points, interlock, checks, trips, warm-up.

Everything happens at its own moment, however late somebody asks.
"""

import math
from collections.abc import Callable

from instruments.sim.minix2 import records
from instruments.sim.minix2.monitors import Board, Monitors
from instruments.sim.minix2.output import FULL_SCALE_V, Output
from instruments.sim.minix2.records import Stamp
from instruments.sim.minix2.unit import Unit
from instruments.sim.minix2.warm_up import Rest, WarmUp

OPEN, SHORTED, SUPPLY_LOW, SUPPLY_HIGH, KV_LOW, KV_HIGH, UA_LOW, UA_HIGH, UNPLUGGED, SILENT, WARMED = range(1, 12)
CHECK_SHARE = 0.02
AMBIENT_C = 28.0
CONTROLLER_V = 5.0

Due = tuple[float, Callable[[], None]]


class Controller:
    """State of the device. `now_s` is set by the owner before anything is asked of it."""

    def __init__(self, output: Output, unit: Unit, *, serial: int, seed: int, start_s: float) -> None:
        self.output, self.unit, self.serial, self.now_s = output, unit, serial, start_s
        self.tube, self.warm_up_table, self.misc_data = unit.tube, unit.warm_up, bytes(512)
        self.monitors = Monitors(
            seed=seed, start_s=start_s, kv_gain=unit.kv_monitor_gain, ua_gain=unit.ua_monitor_gain
        )
        self.board = Board(AMBIENT_C, start_s)
        rested_s = math.inf if unit.last_off_utc_s is None else unit.start_utc_s - unit.last_off_utc_s
        self.rest = Rest(start_s - rested_s)
        self.stamp = Stamp.of_last_off(unit.last_off_utc_s, start_s - rested_s)
        self.run_time_s, self.fault_record = unit.run_time_s, records.NO_FAULT
        self.interlock_ma, self.supply_v, self.controller_v = unit.interlock_ma, unit.supply_v, CONTROLLER_V
        self.is_plugged, self.shows_stuck, self.previous_code = True, True, 0
        self.writes: list[tuple[float, str]] = []
        self._boot(start_s)

    def _boot(self, now_s: float) -> None:
        self.set_kv = self.set_ua = 0.0
        self.limits_off = self.checks_off = self.beeps = False
        self.accessory_mode = self.tube.accessory_mode
        self.first_status, self.powered_s, self.heard_s, self.unplugged_s = True, now_s, now_s, math.inf
        self.warm_up: WarmUp | None = None
        self._latched = self._outside = self._outside_code = 0
        self._changed_s = now_s
        self._live = self.live_code()

    # what is so ---------------------------------------------------------------------------------------------------
    def live_code(self) -> int:
        """Get the fault of interlock or supply that is there now, 0 without one."""
        low_ma, high_ma = self.tube.interlock_limits_ma
        low_v, high_v = self.tube.supply_limits_v
        if not self.interlock_ma >= low_ma:
            return OPEN
        if not self.interlock_ma <= high_ma:
            return SHORTED
        if not self.supply_v >= low_v:
            return SUPPLY_LOW
        return 0 if self.supply_v <= high_v else SUPPLY_HIGH

    @property
    def code(self) -> int:
        """Get the present fault code."""
        return self.live_code() or self._latched

    @property
    def scales(self) -> tuple[float, float]:
        """Get kV and µA per volt of their monitors."""
        return self.tube.kv_per_v, self.tube.ua_per_v

    def look_at_monitors(self) -> None:
        """Bring the counts up to date while nothing is on and no refresh is worth an event of its own."""
        if not self.output.is_alive(self.now_s):
            index = self.monitors.refresh_at(self.now_s)
            self.monitors.refresh(index, self.output.kv_at(self.now_s), self.output.ua, self.scales)

    # what will be so ----------------------------------------------------------------------------------------------
    def due(self) -> list[Due]:
        """Get what happens by itself, each with its moment."""
        found: list[Due] = []
        if self.output.next_step_s < math.inf:
            found.append((self.output.next_step_s, self._ramp))
        if self.output.is_alive(self.now_s):
            found.append((self.monitors.next_s, self._refresh))
        if self.warm_up is not None:
            found.append((self.warm_up.step_ends_s, self._next_warm_up_step))
        if self.output.enabled:
            if self.unit.unplug_trip_s is not None and not self.is_plugged:
                found.append((self.unplugged_s + self.unit.unplug_trip_s, lambda: self.trip(UNPLUGGED)))
            if self.unit.stopped_talking_s is not None:
                found.append((self.heard_s + self.unit.stopped_talking_s, lambda: self.trip(SILENT)))
        return found

    def _ramp(self) -> None:
        self.output.step()
        self._account()

    def _refresh(self) -> None:
        self.monitors.refresh(self.monitors.index + 1, self.output.kv_at(self.now_s), self.output.ua, self.scales)
        if not self.output.enabled or self.checks_off or self.now_s < self._changed_s + self.unit.grace_s:
            self._outside = 0
            return
        code = self._deviation()
        self._outside = self._outside + 1 if code and code == self._outside_code else int(code > 0)
        self._outside_code = code
        if self._outside >= self.unit.fault_refreshes:
            self.trip(code)

    def _deviation(self) -> int:
        pairs = ((self.monitors.kv_counts, self.set_kv, KV_LOW), (self.monitors.ua_counts, self.set_ua, UA_LOW))
        for (counts, wanted, code), scale in zip(pairs, self.scales, strict=True):
            shown = counts / 1000 * scale
            if abs(shown - wanted) > CHECK_SHARE * wanted:
                return code + (shown > wanted)
        return 0

    # what is done to it -------------------------------------------------------------------------------------------
    def set_output(self, *, kv: float | None = None, ua: float | None = None) -> None:
        """Take a set-point; a zero of one zeroes both."""
        self._latched = 0
        self.set_kv = self.set_kv if kv is None else kv
        self.set_ua = self.set_ua if ua is None else ua
        worst = self.output.worst
        worst.set_power_w = max(worst.set_power_w, self.set_kv * self.set_ua * 1e-3)
        refused = self._live and not self.unit.restarts_when_closed
        if 0.0 in (kv, ua) or refused:
            self.set_kv = self.set_ua = 0.0
        self.apply("set-points" if self.set_kv and self.set_ua else "off command")

    def apply(self, cause: str) -> None:
        """Bring the output to what set-points and interlock say."""
        if self.set_kv > 0 and self.set_ua > 0 and not self.live_code():
            self.look_at_monitors()
            self.rest.on(self.now_s, warming=self.warm_up is not None)
            full = [scale * FULL_SCALE_V for scale in self.scales]
            self.output.drive(self.now_s, min(self.set_kv, full[0]), min(self.set_ua, full[1]), cause)
            self._changed_s = self.now_s
        else:
            self.cut(cause)

    def cut(self, cause: str) -> None:
        """Switch the tube off."""
        if self.output.enabled:
            self.stamp = self.stamp.switched_off(self.now_s)
        self.output.cut(self.now_s, cause)
        self._account()
        if not self.output.on:
            self.rest.off(self.now_s)

    def trip(self, code: int) -> None:
        """Switch off because of a fault, and record it if the tube was on."""
        if self.output.enabled:
            status = records.status(self, code)
            stamp = records.stamp_record(self)
            self.fault_record = records.fault_record(self, stamp, status)
        self.previous_code = code
        self._latched = code if KV_LOW <= code <= UA_HIGH else 0
        self.warm_up = None
        if not (code in (OPEN, SHORTED) and self.unit.restarts_when_closed):
            self.set_kv = self.set_ua = 0.0
        self.cut(f"fault {code}")

    def look_around(self) -> None:
        """Compare interlock and supply with their limits."""
        code = self.live_code()
        if code == self._live:
            return
        self._live = code
        if code:
            self.trip(code)
        else:
            self.apply("interlock closed")

    def start_warm_up(self, kind: int) -> None:
        """Begin a program; with an open interlock nothing begins (assumed)."""
        self.stop_warm_up()
        if not self._live:
            self._latched = 0
            self.warm_up = WarmUp(self.warm_up_table, kind, self.now_s)
            self._apply_warm_up_step()

    def stop_warm_up(self) -> None:
        """Cancel a program: the tube goes off."""
        if self.warm_up is not None:
            self.warm_up = None
            self.set_kv = self.set_ua = 0.0
            self.cut("warm-up cancelled")

    def _next_warm_up_step(self) -> None:
        assert self.warm_up is not None
        if self.warm_up.next():
            self._apply_warm_up_step()
            return
        self.rest.warmed(self.warm_up.kind)
        self.warm_up = None
        self.set_kv = self.set_ua = 0.0
        self.previous_code = WARMED
        self._latched = WARMED if self.unit.shows_warm_up_done else 0
        self.cut("warm-up complete")

    def _apply_warm_up_step(self) -> None:
        assert self.warm_up is not None
        self.set_kv, self.set_ua = float(self.warm_up.step.kv), float(self.warm_up.step.ua)
        self.apply(f"warm-up step {self.warm_up.number}")

    def power_cycle(self) -> None:
        """Lose and regain power: overrides and set-points are gone, records stay."""
        if self.output.enabled:
            self.stamp = self.stamp.switched_off(self.now_s)
        self.cut("power lost")
        self._boot(self.now_s)

    def unplug(self) -> None:
        """Lose the cable."""
        if self.is_plugged:
            self.is_plugged, self.unplugged_s = False, self.now_s

    def plug(self) -> None:
        """Have the cable again."""
        self.is_plugged = True

    def release(self) -> None:
        """End being stuck on."""
        self.output.is_stuck = False
        if not self.output.enabled:
            self.cut("no longer stuck on")

    def _account(self) -> None:
        self.board.load(self.now_s, self.output.kv * self.output.ua * 1e-3 if self.output.on else 0.0)

    def total_run_time_s(self) -> float:
        """Get the time for which the tube was ever on."""
        return self.run_time_s + self.output.on_time_s(self.now_s)
