"""The guardian's process as a `TubeGuard`, and what the runner does itself when that process fails it."""

import logging
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

from instruments.minix2 import WarmUpProgress
from instruments.wire.minix2 import Identity, WarmUpKind
from xraydaq.clock import Clock
from xraydaq.errors import InstrumentError, Refused, SafetyTrip, XraydaqError
from xraydaq.guardian.alone import emergency_off
from xraydaq.guardian.child import Child, Ended, Silent
from xraydaq.guardian.control import told_to_stop, understood
from xraydaq.guardian.messages import (
    Asked,
    AskIdentity,
    AskSettings,
    AskWarmUpDue,
    AskWarmUpProgress,
    Bye,
    MessageError,
    View,
    WarmUp,
)
from xraydaq.guardian.replies import Reply, may_shine
from xraydaq.guardian.setup import Setup
from xraydaq.safety.guard_events import Arm, BeamState, BeamView, DoseSeen, Off, Renew, SetBeam, Stop
from xraydaq.safety.guard_rules import DARK_WITHIN_S

log = logging.getLogger(__name__)

ANSWER_S = 2.0
SIGN_OF_LIFE_S = 1.4
"""For the reply to one: with half a second between two of them a guardian that hangs is known within 2 s."""

START_S = 30.0
PARTING_S = 15.0
LOOK_S = 0.1
DEATH_S = 1.0
STOP_S = 0.5
BY_HAND = "THE BEAM MAY BE ON: switch the Mini-X2 off at its key or the mains NOW and keep away from the beam"


class GuardianHung(SafetyTrip):
    """The guardian does not answer: nothing is known of the beam."""


class GuardianDied(SafetyTrip):
    """The guardian's process has ended although nobody told it to."""


class RemoteGuard:
    """A `TubeGuard` over a process of its own. Every method but `stop` waits while another thread's request is open.

    `alarm` is given a text for a person as soon as the guardian is found hung or dead, before anything else is tried.
    """

    def __init__(self, setup: Setup, clock: Clock, *, alarm: Callable[[str], None] = log.critical) -> None:
        """Start the process; returns when it has shown that the tube is the one that is meant, and off.

        Raises:
            InstrumentError: it is another tube, or could not be shown to be off.
            BusyError: another process has it.
            SafetyTrip: the guardian did not start.
        """
        self.setup = setup
        self._clock = clock
        self._alarm = alarm
        self._failure: SafetyTrip | None = None
        self._failing = threading.Lock()
        self._is_closed = False
        self._child = Child(setup, clock)
        try:
            reply = self._heard(lambda: self._child.ready(START_S))
            reply.raise_refusal()
        except BaseException:
            self._end_child()
            raise
        self._identity = Identity(**reply.result)
        assert reply.view is not None
        self._view = reply.view

    @property
    def pid(self) -> int:
        """Get the number of the guardian's process."""
        return self._child.process.pid

    def identify(self) -> Identity:
        return Identity(**self._ask(AskIdentity()))

    def settings(self) -> dict[str, str]:
        found: dict[str, str] = self._ask(AskSettings())
        return found

    def prepare(self) -> None:
        self.safe_off()

    def arm(self, arm: Arm) -> BeamView:
        self._ask(arm)
        return self._view

    def look(self) -> BeamView:
        self._ask(Renew(), SIGN_OF_LIFE_S)
        return self._view

    def view(self) -> BeamView:
        self._ask(View(), SIGN_OF_LIFE_S)
        return self._view

    def on(self, voltage_v: float, current_a: float, dose_rate_gy_s: float = 0.0) -> BeamView:
        self._ask(SetBeam(voltage_v, current_a, dose_rate_gy_s))
        return self._view

    def command_off(self) -> None:
        self._ask(Off())
        if self._view.state is BeamState.UNKNOWN:
            raise InstrumentError("the tube has not taken the off command; the guardian goes on commanding off")

    def safe_off(self) -> None:
        self._ask(Off())
        deadline_s = self._clock.now() + DARK_WITHIN_S
        while not self._view.is_dark:
            if not self._clock.now() < deadline_s:
                view = self._view
                shown = f"{view.state}, {view.voltage_v:g} V, {view.current_a:g} A"
                raise InstrumentError(f"the beam could not be shown to be off ({shown}). {BY_HAND}")
            self._clock.sleep(LOOK_S)
            self.view()

    off = safe_off

    def is_dark(self) -> bool:
        return self.view().is_dark

    def warm_up_due(self) -> WarmUpKind | None:
        found: WarmUpKind | None = self._ask(AskWarmUpDue())
        return found

    def warm_up(self, kind: WarmUpKind) -> WarmUpProgress:
        return WarmUpProgress(**self._ask(WarmUp(kind)))

    def warm_up_progress(self) -> WarmUpProgress:
        return WarmUpProgress(**self._ask(AskWarmUpProgress()))

    def dose(self, seen: DoseSeen) -> None:
        self._ask(seen)

    def stop(self, who: str) -> bool:
        """Stop the beam in an emergency, from any thread and at once; returns whether it was shown to be off.

        Goes by the control socket: another request that is open does not hold it up. Raises nothing.
        """
        try:
            return understood(told_to_stop(self.setup.control, who, self._clock, STOP_S)).is_off
        except TimeoutError:
            return False  # it was told
        except OSError as error:
            log.warning("the guardian's control socket: %s", error)
        with suppress(XraydaqError):
            self._ask(Stop(who))
            return not may_shine(self._view)
        return False

    def close(self) -> None:
        """Say goodbye, see the tube off, and wait for the process to end.

        Raises:
            InstrumentError: the beam could not be shown to be off.
            SafetyTrip: the guardian hung or died.
        """
        if self._is_closed:
            return
        self._is_closed = True
        if self._failure is not None:  # which was told when it happened, with what came of it
            self._end_child()
            return
        try:
            self._heard(lambda: self._child.ask(Bye(), PARTING_S)).raise_refusal()
            if self._child.wait(PARTING_S) is None:
                self._fail(GuardianHung("the guardian does not end"))
        finally:
            self._end_child()

    def _ask(self, asked: Asked, timeout_s: float = ANSWER_S) -> Any:
        if self._is_closed:
            raise Refused("the guardian of the tube was said goodbye to")
        try:
            reply = self._heard(lambda: self._child.ask(asked, timeout_s))
        except MessageError as error:
            raise Refused(f"no beam: {error}: {_spoken(asdict(asked))}") from error
        if reply.view is not None:
            self._view = reply.view
        reply.raise_refusal()
        return reply.result

    def _heard(self, exchange: Callable[[], Reply]) -> Reply:
        if self._failure is not None:
            raise self._failure
        try:
            return exchange()
        except Silent:
            self._fail(GuardianHung("the guardian of the tube does not answer"))
        except Ended as error:
            self._fail(GuardianDied(f"the guardian of the tube died{f' ({error})' if str(error) else ''}"))

    def _fail(self, failure: SafetyTrip) -> NoReturn:
        """Sound the alarm, end what is left of the guardian, switch off by the plainest way, and say what came of it.

        Raises:
            SafetyTrip: always.
        """
        with self._failing:
            if self._failure is None:
                self._alarm(f"{failure}. {BY_HAND}")
                self._failure = type(failure)(f"{failure}; {self._off_alone()}")
                self._alarm(str(self._failure))
        raise self._failure

    def _off_alone(self) -> str:
        self._child.kill()  # one that hangs keeps the tube for itself, and can do no more for it
        self._child.wait(DEATH_S)
        shown = emergency_off(self.setup, self._clock)
        return f"off was written by the runner: {shown.text}" if shown.is_off else f"{shown.text}. {BY_HAND}"

    def _end_child(self) -> None:
        self._child.hang_up()
        if self._child.wait(PARTING_S) is None:
            self._child.kill()
            self._child.wait(DEATH_S)
        with suppress(OSError):
            Path(self.setup.control).unlink(missing_ok=True)


def _spoken(values: Mapping[str, object]) -> str:
    return ", ".join(f"{key} {value}" for key, value in values.items())
