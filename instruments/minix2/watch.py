"""Watches the status of a Mini-X2 until the tube does what it was told (Amptek Programmer's Guide Rev B3: "PG")."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from instruments.minix2.ready import spoken
from instruments.minix2.warm_up import StartedWarmUp, WarmUpProgress
from instruments.wire.minix2 import TubeStatus, TubeTable
from xraydaq.clock import Clock
from xraydaq.errors import InstrumentError, Refused
from xraydaq.safety.guard_rules import HV_OFF_WITHIN_S

POLL_S = 0.2
"""Faster than the slowest poll that is known to keep the communication watchdog quiet (0.5 s, vendor's program)."""

DARK_LOOKS_APART_S = 0.12
"""Longer than a refresh of the monitors, 10 Hz (PG): of two looks so far apart, one is not older than the off."""

OFF_POLL_S = 0.15
WARM_UP_STARTS_WITHIN_S = 1.0
MONITOR_TOLERANCE = 0.02  # PG: the device trips outside of it
MONITOR_NOISE_COUNTS = 4
"""Assumed. 2 % of the least set-points are 16 counts of voltage, but only 2 of current."""

COUNTS_PER_V = 1000.0


@dataclass(frozen=True)
class Watch:
    """Polls one tube."""

    name: str
    clock: Clock
    status: Callable[[], TubeStatus]

    def settle(
        self,
        table: TubeTable,
        voltage_v: float,
        current_a: float,
        timeout_s: float | None,
        is_off_meanwhile: Callable[[], bool],
    ) -> TubeStatus:
        """Wait until the monitors are at the set-points; a `timeout_s` of None looks once, for faults only."""
        deadline_s = self.clock.now() + (timeout_s or 0.0)
        while True:
            status = self.status()
            if is_off_meanwhile():
                raise Refused(f"{self.name}: it was switched off meanwhile")
            if status.fault.is_fault:
                raise InstrumentError(f"{self.name}: tripped: {spoken(status.fault)}")
            if timeout_s is None or _is_at(status, table, voltage_v, current_a):
                return status
            if not self.clock.now() < deadline_s:
                wanted = f"{voltage_v:g} V, {current_a:g} A"
                raise InstrumentError(f"{self.name}: {wanted} not reached in {timeout_s:g} s: {_shown(status)}")
            self.clock.sleep(POLL_S)

    def dark(self, deadline_s: float) -> None:
        """Wait until HV is disabled, which must come soon, and the monitors are near zero, by `deadline_s`.

        Two looks in a row must show it: the first may be of what was before the off.
        """
        hv_deadline_s = self.clock.now() + HV_OFF_WITHIN_S
        dark_since_s = math.inf
        while True:
            asked_s = self.clock.now()
            status = self.status()
            if not status.is_dark:
                dark_since_s = math.inf
                if not self.clock.now() < (hv_deadline_s if status.hv_enabled else deadline_s):
                    raise InstrumentError(f"{self.name}: {_shown(status)}")
            elif asked_s - dark_since_s >= DARK_LOOKS_APART_S:
                return
            else:
                dark_since_s = min(dark_since_s, self.clock.now())
            self.clock.sleep(OFF_POLL_S)

    def warm_up_start(self, started: StartedWarmUp) -> WarmUpProgress:
        """Wait until a warm-up runs."""
        deadline_s = self.clock.now() + WARM_UP_STARTS_WITHIN_S
        while True:
            status = self.status()
            progress = started.progress(status, self.clock.now())
            if progress.running or progress.complete:
                return progress
            if status.fault.is_fault:
                raise InstrumentError(f"{self.name}: tripped: {spoken(status.fault)}")
            if not self.clock.now() < deadline_s:
                raise InstrumentError(f"{self.name}: the {started.kind} warm-up did not start")
            self.clock.sleep(POLL_S)


def _is_at(status: TubeStatus, table: TubeTable, voltage_v: float, current_a: float) -> bool:
    noise_v = MONITOR_NOISE_COUNTS / COUNTS_PER_V * table.volts_per_monitor_v
    noise_a = MONITOR_NOISE_COUNTS / COUNTS_PER_V * table.amperes_per_monitor_v
    voltage_reached = abs(status.voltage_v - voltage_v) <= max(MONITOR_TOLERANCE * voltage_v, noise_v)
    current_reached = abs(status.current_a - current_a) <= max(MONITOR_TOLERANCE * current_a, noise_a)
    return status.hv_enabled and voltage_reached and current_reached


def _shown(status: TubeStatus) -> str:
    hv = "enabled" if status.hv_enabled else "disabled"
    return f"HV {hv}, {status.voltage_v:g} V, {status.current_a:g} A"
