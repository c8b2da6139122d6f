"""Switches one instrument off for `xraydaq off`: through its guardian, its owner, or by itself.

The tube's port is written to even while another process has it; every other port only when it is free.
"""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass, field
from importlib import import_module
from types import ModuleType

from instruments.emergency import Shown
from instruments.emergency.lines import PlainLine, Wiring, opened
from xraydaq.cli.off_owners import ask_guardian, tell_to_stop, wait_until_free
from xraydaq.cli.off_targets import DRIVERS, Target
from xraydaq.clock import Clock
from xraydaq.errors import BusyError
from xraydaq.safety.locks import Owner, held
from xraydaq.safety.processes import age_s

REACTION_S = 0.5
OFF_WITHIN_S = 0.65
"""From the start of this process to the off command, whatever its owner does; 1 s is wanted."""

LEAST_REACTION_S = 0.1
TUBE_OWNER_GOES_S = 3.0
"""How long the owner of a tube, after off was written, may take before its port is read."""

WAY_BACK_S = 15.0
"""How long the owner of a source may take: 10 s for the ramp of the bias, and some for the file of the run."""

REOPEN_S = 0.1
WHAT = "xraydaq off"
BY_HAND = {
    "tube": "switch the Mini-X2 off at its key or the mains NOW and keep away from the beam",
    "smu": "press OUTPUT ON/OFF on the front panel of the source until its lamp is out",
}


@dataclass
class Acting:
    """One call of the command: who asks, and what is known so far."""

    clock: Clock
    who: str
    tube_was_told: threading.Event = field(default_factory=threading.Event)
    told: dict[int, str] = field(default_factory=dict)
    _telling: threading.Lock = field(default_factory=threading.Lock)

    def switch_off(self, target: Target) -> Shown:
        """Switch one instrument off and get what it showed. Never raises."""
        if target.is_simulated:
            return Shown(True, "simulated inside its process; there is nothing to switch off")
        if target.owned.driver not in DRIVERS.values():
            return Shown(False, f"the driver {target.owned.driver!r} is not known here")
        try:
            return self._tube(target) if target.is_tube else self._source(target)
        except Exception as error:  # the other instrument must be switched off whatever happens to this one
            return Shown(False, f"{type(error).__name__}: {error}")
        finally:
            if target.is_tube:
                self.tube_was_told.set()

    def _tube(self, target: Target) -> Shown:
        resource, session, notes = target.owned.resource, target.session, []
        write_at_s = self.clock.now() + min(REACTION_S, max(LEAST_REACTION_S, OFF_WITHIN_S - age_s()))
        if session is not None and session.control is not None:
            answer = ask_guardian(session.control, self.who, self.clock, write_at_s - self.clock.now())
            if answer.is_off:
                return Shown(True, f"its guardian switched it off{answer.text and f' ({answer.text})'}")
            notes.append(answer.text)
        owner, said = self._tell(resource)
        notes.append(said)
        from instruments.emergency import tube  # while the owner reacts

        if owner is None or wait_until_free(resource, owner, self.clock, write_at_s):
            shown = self._alone(target, tube.WIRING, tube)
        else:
            notes.append("off was written into its port all the same")
            shown = self._into_a_foreign_port(target, owner, tube)
        return _noted(shown, notes)

    def _into_a_foreign_port(self, target: Target, owner: Owner, tube: ModuleType) -> Shown:
        """Write off at once; what the tube says then is read when its owner has gone, or if it does not go."""
        failure = ""
        deadline_s = self.clock.now() + TUBE_OWNER_GOES_S
        try:
            with _line(target, tube.WIRING) as line:
                tube.write_off(line)
                self.tube_was_told.set()
                if not wait_until_free(target.owned.resource, owner, self.clock, deadline_s):
                    return _noted(self._seen(tube, line), [f"process {owner.pid} could switch it on again: end it"])
        except OSError as error:  # raw USB lets one process in only
            failure = str(error)
            wait_until_free(target.owned.resource, owner, self.clock, deadline_s)
        shown = self._alone(target, tube.WIRING, tube)
        return shown if shown.is_off else _noted(shown, [failure])

    def _source(self, target: Target) -> Shown:
        from instruments.emergency import source

        self.tube_was_told.wait(OFF_WITHIN_S)
        resource = target.owned.resource
        owner, said = self._tell(resource)
        if owner is not None and not wait_until_free(resource, owner, self.clock, self.clock.now() + WAY_BACK_S):
            return Shown(False, f"{said} and still has it; nothing was sent to it")
        return _noted(self._alone(target, source.WIRING, source), [said])

    def _alone(self, target: Target, wiring: Wiring, instrument: ModuleType) -> Shown:
        """Open the line, write off, look. A lock that cannot be had does not keep off from being written."""
        with ExitStack() as stack:
            try:
                stack.enter_context(held(target.owned.resource, WHAT))
            except BusyError as error:
                if not target.is_tube:
                    return Shown(False, str(error))
            except OSError:
                pass  # no place for locks: then nobody else has one either
            try:
                line = stack.enter_context(_line(target, wiring))
                instrument.write_off(line)
            except OSError as error:
                return Shown(False, f"off could not be sent: {error}")
            self._note_tube(target)
            return self._seen(instrument, line)

    def _seen(self, instrument: ModuleType, line: PlainLine) -> Shown:
        shown: Shown = instrument.see_off(line, self.clock)
        return Shown(shown.is_off, f"off sent: {shown.text}")

    def _note_tube(self, target: Target) -> None:
        if target.is_tube:
            self.tube_was_told.set()

    def _tell(self, resource: str) -> tuple[Owner | None, str]:
        with self._telling:
            return tell_to_stop(resource, self.told)


def _line(target: Target, wiring: Wiring) -> AbstractContextManager[PlainLine]:
    return opened(target.owned.resource, wiring, target.owned.baud, target.owned.frame)


def _noted(shown: Shown, notes: list[str]) -> Shown:
    return Shown(shown.is_off, "; ".join(note for note in (*notes, shown.text) if note))


def acted_on(targets: list[Target], acting: Acting) -> list[Callable[[], Shown]]:
    """Begin to switch all off at the same time; each result waits for its instrument."""
    if not any(target.is_tube for target in targets):
        acting.tube_was_told.set()
    results = [_begun(target, acting) for target in targets]
    _loaded_meanwhile()
    return results


def _loaded_meanwhile() -> None:
    """Import what is needed once a guardian or an owner has not reacted; a failure will show there."""
    for name in ("instruments.emergency.tube", "serial"):
        with suppress(ImportError):
            import_module(name)


def _begun(target: Target, acting: Acting) -> Callable[[], Shown]:
    results: list[Shown] = []
    thread = threading.Thread(target=lambda: results.append(acting.switch_off(target)), daemon=True)
    thread.start()

    def result() -> Shown:
        thread.join()
        return results[0]

    return result
