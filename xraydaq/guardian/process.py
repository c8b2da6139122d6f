"""The guardian as a process: the tube's only owner on real time.

The main thread asks the tube, mounts the rules on it and answers; `Ears` hears everything else. The process ends when
its client says so, dies, or a signal comes; each time with the beam off.
"""

import logging
import math
import socket
import threading
import traceback
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from xraydaq.clock import Clock, RealClock
from xraydaq.errors import EXIT_BUG, EXIT_DONE, EXIT_NOT_OFF, XraydaqError
from xraydaq.guardian.ears import Ears, Gone, Heard, Line, Signalled, Slept
from xraydaq.guardian.lines import Call, answer_call
from xraydaq.guardian.logbook import Logbook
from xraydaq.guardian.messages import MessageError
from xraydaq.guardian.orphans import switch_off_at_last
from xraydaq.guardian.replies import ENDED, Note, Reply, encode_note, encode_reply, kind_of, may_shine
from xraydaq.guardian.setup import Setup
from xraydaq.guardian.takeover import check_identity, opened, plain_off, read_setup
from xraydaq.safety.guard_events import BeamState, BeamView, ClientGone, Event, Stop, Woke
from xraydaq.safety.locks import held

if TYPE_CHECKING:
    from instruments.minix2 import MiniX2
    from xraydaq.guardian.desk import Desk
    from xraydaq.guardian.mount import Mount

LOOK_EVERY_S = 0.25
LOOK_SOON_S = 0.06
REFRESH_S = 0.12
"""Longer than a refresh of the monitors, 10 Hz (Amptek Programmer's Guide): a look may show what was before it."""

ANSWER_WITHIN_S = 0.45
"""Of a call at the control socket; who calls goes its own way after half a second."""

END_WITHIN_S = 20.0


def main(arguments: Sequence[str]) -> int:
    """Run as ``python -m xraydaq.guardian FD``: FD is the client's socket. Returns the exit code."""
    client = socket.socket(fileno=int(arguments[0]))
    clock = RealClock()
    try:
        setup, rest = read_setup(client)
    except (MessageError, OSError) as error:
        with suppress(OSError):
            client.sendall(encode_reply(Reply(0, None, str(error) or type(error).__name__, "MessageError")))
        return EXIT_NOT_OFF
    log = Logbook(setup.log, clock)
    logging.getLogger().addHandler(_ToLogbook(log))
    try:
        return _Guardian(client, setup, rest, log, clock).run()
    except OSError as error:  # no place for the control socket: nothing was opened
        client.sendall(encode_reply(Reply(0, None, f"{setup.control}: {error}", "InstrumentError")))
        return EXIT_NOT_OFF
    finally:
        log.close()


class _Guardian:
    """One setup, one tube, one client."""

    def __init__(self, client: socket.socket, setup: Setup, rest: bytes, log: Logbook, clock: Clock) -> None:
        self._setup, self._log, self._clock = setup, log, clock
        self._tube: MiniX2 | None = None
        self._ears = Ears(client, Path(setup.control), clock, self._write_off, setup.limits.lease_s, rest)
        self._calls: list[tuple[Call, float]] = []
        self._look_due_s = clock.now()
        self._state: BeamState | None = None
        self._ending_s: float | None = None
        self._others = threading.Thread(target=self._switch_others_off, name="others", daemon=True)
        self._others_off = True

    def run(self) -> int:
        self._ears.start()
        self._ears.awaited_since_s = self._clock.now()
        self._log.line("start", self._setup.what)
        try:
            with ExitStack() as stack:
                mount, desk = self._take_over(stack)
                while not self._is_over(desk):
                    self._step(mount, desk)
                code = EXIT_DONE if self._others_off and desk.watch().is_dark else EXIT_NOT_OFF
        except XraydaqError as error:  # from taking over alone
            self._ears.say(encode_reply(Reply(0, None, str(error), kind_of(error))))
            self._log.line("no tube", str(error), "error")
            code = EXIT_NOT_OFF
        except BaseException:  # whatever it is, the beam does not outlive it
            self._write_off()
            self._log.line("bug", traceback.format_exc(), "error")
            self._ears.say(encode_note(Note(ENDED, "the guardian met a bug in itself and has commanded off")))
            code = EXIT_BUG
        self._log.line("end", f"exit code {code}", "info" if code == EXIT_DONE else "error")
        self._ears.close()
        return code

    def _take_over(self, stack: ExitStack) -> "tuple[Mount, Desk]":
        """Command off by the plainest way, then open the tube, see that it is the one that is meant, and off."""
        setup = self._setup
        stack.enter_context(held(setup.resource, setup.what))
        self._log.line("off", plain_off(setup, self._clock))
        from xraydaq.guardian.desk import Desk  # slow to import, and off was not to wait for it
        from xraydaq.guardian.mount import Mount

        self._tube = tube = opened(setup, self._clock)
        stack.callback(self._let_go)
        mount = Mount(tube, setup.limits, self._clock, record=self._log.tell)
        mount.prepare()
        identity = tube.identify()
        check_identity(setup, asdict(identity))
        desk = Desk(mount, record=self._log.line, is_stopping=self._ears.stopping.is_set)
        self._answer(Reply(0, desk.view(), result=asdict(identity)))
        return mount, desk

    def _step(self, mount: "Mount", desk: "Desk") -> None:
        heard = self._ears.next()
        if heard is not None:
            self._take(heard, mount, desk)
        mount.tick()
        now_s = self._clock.now()
        if not now_s < self._look_due_s:
            self._look_due_s = now_s + (LOOK_SOON_S if self._calls or self._ending_s is not None else LOOK_EVERY_S)
            mount.look(patient=False)
        view = desk.watch()
        if view.state is not self._state:
            self._log.line("state", f"{self._state or 'start'} -> {view.state}", trip=view.trip)
            self._state = view.state
        self._answer_calls(view)

    def _take(self, heard: Heard, mount: "Mount", desk: "Desk") -> None:
        match heard:
            case Line(data):
                if self._ending_s is None:
                    self._answer(desk.answer(data))
                if desk.said_bye:
                    self._end("goodbye")
            case Gone(why):
                self._urgent(mount, ClientGone(why))
                if self._ending_s is None:
                    self._others.start()
                self._end(why)
            case Slept(gap_s):
                self._urgent(mount, Woke(gap_s))
            case Signalled(name):
                self._urgent(mount, Stop(f"{name} to the guardian"))
                self._ears.say(encode_note(Note(ENDED, f"the guardian was told to end by {name}; the beam is off")))
                self._end(name)
            case Call(caller, ""):
                answer_call(caller, _shown(desk.watch(), self._clock.now()))
            case Call(_, who):
                self._urgent(mount, Stop(who))
                self._calls.append((heard, self._clock.now()))
                self._look_due_s = self._clock.now()

    def _urgent(self, mount: "Mount", event: Event) -> None:
        self._ears.taken.set()
        self._log.line("heard", str(event), "warning")
        mount.request(event)
        self._ears.stopping.clear()

    def _answer(self, reply: Reply) -> None:
        self._ears.awaited_since_s = None
        self._ears.say(encode_reply(reply))

    def _answer_calls(self, view: BeamView) -> None:
        waiting, now_s = self._calls, self._clock.now()
        self._calls = []
        for call, since_s in waiting:
            answer = _shown(view, now_s, since_s)
            if answer["off"] or now_s - since_s > ANSWER_WITHIN_S:
                answer_call(call.caller, answer)
            else:
                self._calls.append((call, since_s))

    def _end(self, why: str) -> None:
        if self._ending_s is None:
            self._log.line("ending", why)
            self._ending_s = self._clock.now()

    def _is_over(self, desk: "Desk") -> bool:
        if self._ending_s is None or self._calls:
            return False
        is_done = not self._others.is_alive() and desk.watch().is_dark
        return is_done or self._clock.now() - self._ending_s > END_WITHIN_S

    def _switch_others_off(self) -> None:
        self._others_off = switch_off_at_last(self._setup.others, self._clock, self._setup.what, self._log.line)

    def _let_go(self) -> None:
        self._write_off()
        tube, self._tube = self._tube, None
        if tube is not None:
            tube.close()

    def _write_off(self) -> None:
        """Command off at once, from any thread; the rules look at what came of it."""
        tube = self._tube
        if tube is None:
            return
        try:
            tube.write_off()
        except Exception as error:  # there is nothing else to be done from here
            self._log.line("off failed", str(error), "error")


def _shown(view: BeamView, now_s: float, since_s: float = -math.inf) -> dict[str, object]:
    """Get what is said at the control socket: off is what was commanded off since then and shows no current.

    Without current there are no X-rays; the voltage takes some seconds to fall, for which nobody there can wait.
    """
    is_new = view.seen_age_s < now_s - since_s - REFRESH_S
    return {
        "off": is_new and not may_shine(view),
        "state": view.state.value,
        "trip": view.trip,
        "voltage_v": None if math.isnan(view.voltage_v) else view.voltage_v,
        "current_a": None if math.isnan(view.current_a) else view.current_a,
    }


class _ToLogbook(logging.Handler):
    """Puts warnings of the driver into the guardian's log."""

    def __init__(self, log: Logbook) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        self._log.line("driver", record.getMessage(), record.levelname.lower())
