"""Is the tube fit to be switched on, and does its interlock work? The beam is never switched on here."""

from instruments.minix2 import MiniX2
from instruments.minix2.ready import spoken
from instruments.wire.minix2 import FaultCode, TubeStatus
from xraydaq.bench.doctor.check import Finding, Probe
from xraydaq.bench.doctor.place import Place
from xraydaq.bench.operator import CLOSE_LID, OPEN_LID, Request

HOTTEST_C = 45
"""Of the controller's board. Assumed: no limit is published."""

SEEN_WITHIN_S, LOOK_S = 2.0, 0.1  # the status is refreshed at 10 Hz (Amptek Programmer's Guide, Rev B3)
INTERLOCK = (FaultCode.INTERLOCK_OPEN, FaultCode.INTERLOCK_SHORTED)

LOOP_FIX = (
    "Close the lid; if it is closed, check lamp, door switch and plug of the interlock loop: no current is an open "
    "loop or a dead lamp, too much is a short. Never bridge it."
)
LID_FIX = (
    "DO NOT USE THE TUBE: the lid does not break the interlock loop, or does not close it; repair the door switch."
)


class TubeExam:
    """Looks at the status and has the lid opened and closed."""

    def __init__(self, place: Place, tube: MiniX2) -> None:
        self._place = place
        self._tube = tube
        self._is_dark = False
        self._is_closed = False

    def probes(self) -> tuple[Probe, ...]:
        """Get the questions."""
        return (
            Probe("beam off", self._beam, "Switch the beam off, find out who left it on, then ask again."),
            Probe("interlock CLOSED", self._interlock, LOOP_FIX),
            Probe("fault", self._fault, "Look the fault up in the maker's manual; off and on again clears it."),
            Probe(
                "overrides",
                self._overrides,
                "Another program switched the controller's own checks off: switch its mains off and on.",
            ),
            Probe(
                "board temperature",
                self._temperature,
                "Switch the tube's mains off, let it cool down, and look at its ventilation.",
            ),
            Probe("warm-up", self._warm_up, "Run the warm-up that is due before the tube is used."),
            Probe("interlock seen open and closed", self._lid, LID_FIX),
        )

    def leave(self) -> None:
        """Leave it: the beam was never touched."""

    def _beam(self) -> Finding:
        status = self._tube.status()
        self._is_dark = status.is_dark
        state = "enabled" if status.hv_enabled else "off"
        return Finding(self._is_dark, f"HV {state}, {status.voltage_v:.0f} V, {status.current_a:.1e} A")

    def _interlock(self) -> Finding:
        status = self._tube.status()
        self._is_closed = self._closed(status)
        return Finding(self._is_closed, self._loop(status))

    def _closed(self, status: TubeStatus) -> bool:
        table, current_a = self._tube.tube_table(), status.interlock_current_a
        return status.fault not in INTERLOCK and (
            table.min_interlock_current_a <= current_a <= table.max_interlock_current_a
        )

    def _loop(self, status: TubeStatus) -> str:
        table = self._tube.tube_table()
        least_a, most_a = table.min_interlock_current_a, table.max_interlock_current_a
        state = f"{spoken(status.fault)}, " if status.fault in INTERLOCK else ""
        return f"{state}{status.interlock_current_a:.4f} A; closed is {least_a:.4f} to {most_a:.4f} A"

    def _fault(self) -> Finding:
        fault = self._tube.status().fault
        if fault in INTERLOCK:
            return Finding(None, f"{spoken(fault)}, which hides any other fault")
        return Finding(not fault.is_fault, spoken(fault))

    def _overrides(self) -> Finding:
        status = self._tube.status()
        disabled = [
            word
            for word, is_disabled in (
                ("fault checks", status.fault_checks_disabled),
                ("limit checks", status.limit_checks_disabled),
            )
            if is_disabled
        ]
        return Finding(not disabled, f"{' and '.join(disabled)} switched off" if disabled else "none")

    def _temperature(self) -> Finding:
        board_c = self._tube.status().board_temperature_c
        return Finding(board_c < HOTTEST_C, f"{board_c} degC; below {HOTTEST_C} degC is good")

    def _warm_up(self) -> Finding:
        due = self._tube.warm_up_due()
        return Finding(due is None, "none is due" if due is None else f"the {due} one is due")

    def _lid(self) -> Finding:
        operator = self._place.operator
        if operator is None:
            return Finding(None, "nobody is asked to open the lid; use --attended")
        if not (self._is_dark and self._is_closed):
            return Finding(None, "not tried: beam off and interlock closed were not seen above")
        if not operator.do(Request(OPEN_LID, "The beam is off. Open the lid of the enclosure. Is it open?")):
            return Finding(None, "declined")
        seen_open = self._seen(FaultCode.INTERLOCK_OPEN)
        if not operator.do(Request(CLOSE_LID, "Close the lid of the enclosure. Is it closed?")):
            return Finding(False, "the lid was left open")
        seen_closed = self._seen(None)
        return Finding(
            seen_open and seen_closed,
            f"lid open: {'seen' if seen_open else 'NOT SEEN'}; closed: {'seen' if seen_closed else 'NOT SEEN'}",
        )

    def _seen(self, fault: FaultCode | None) -> bool:
        """Wait until the loop shows this fault; None is a closed loop."""
        clock = self._place.clock
        deadline_s = clock.now() + SEEN_WITHIN_S
        while True:
            status = self._tube.status()
            if self._closed(status) if fault is None else status.fault is fault:
                return True
            if not clock.now() < deadline_s:
                return False
            clock.sleep(LOOK_S)
