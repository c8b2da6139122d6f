"""Hears the guardian's client, its control socket, signals and the computer's sleep, whatever the main thread does.

What means off is for the main thread to do at once; if it is held up, off is written to the tube from here.
"""

import os
import queue
import selectors
import signal
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from xraydaq.clock import Clock
from xraydaq.guardian.lines import SEND_WITHIN_S, Buffer, Call, answer_call, listening, parse_call
from xraydaq.guardian.messages import MessageError
from xraydaq.guardian.replies import BUSY, Note, encode_note

LOOK_S = 0.05
GAP_S = 1.0
"""A pause of this thread after which the computer has stood still: it sleeps for `LOOK_S` only."""

BUSY_AFTER_S = 0.5
TAKEN_WITHIN_S = 0.1
CHUNK = 4096
MOST_WAITING = 200
MOST_CALLERS = 8
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the client."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Gone:
    """The client is not there any more."""

    why: str


@dataclass(frozen=True, slots=True)
class Slept:
    """The computer, or this process, stood still."""

    gap_s: float


@dataclass(frozen=True, slots=True)
class Signalled:
    """This process was told to end."""

    name: str


Heard = Line | Gone | Slept | Signalled | Call


@dataclass
class Ears:
    """Hears until `close`. `write_off` may be called from this thread at any time; it raises nothing."""

    client: socket.socket
    control: Path
    clock: Clock
    write_off: Callable[[], None]
    stalled_after_s: float
    """A main thread that has not come by for so long has its beam taken away."""

    rest: bytes = b""
    """What the client has said already."""

    heard: "queue.SimpleQueue[Heard]" = field(default_factory=queue.SimpleQueue)
    stopping: threading.Event = field(default_factory=threading.Event)
    """Set from when an off is due until the main thread has told the rules."""

    taken: threading.Event = field(default_factory=threading.Event)
    """Set by the main thread when it begins with what is due: two off commands would keep the tube from answering."""

    def __post_init__(self) -> None:
        self.came_by_s = self.clock.now()
        self.awaited_since_s: float | None = None
        """Since when the client waits for an answer."""

        self._sending = threading.Lock()
        self._closing = threading.Event()
        self._selector = selectors.DefaultSelector()
        self._callers: dict[socket.socket, Buffer] = {}
        self._buffer = Buffer()
        self._parent = os.getppid()
        self._client_gone = False
        self._stall_seen_s = -1.0
        self._busy_said_s = 0.0
        self._asleep_s = self.clock.asleep_s()
        self._wake_read, self._wake_write = socket.socketpair()
        for each in (self._wake_read, self._wake_write):
            each.setblocking(False)
        self._listening = listening(self.control)
        self.client.setblocking(False)
        for each in (self.client, self._listening, self._wake_read):
            self._selector.register(each, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._hear, name="ears", daemon=True)

    def start(self) -> None:
        """Hear from now on; to be called by the main thread, which alone may take signals."""
        signal.set_wakeup_fd(self._wake_write.fileno(), warn_on_full_buffer=False)  # for as long as the process lives
        for number in SIGNALS:
            signal.signal(number, lambda *_: None)
        for line in self._buffer.lines(self.rest):
            self.heard.put(Line(line))
        self._thread.start()

    def next(self) -> Heard | None:
        """Get what was heard next, None if nothing is within `LOOK_S`; the main thread comes by."""
        self.came_by_s = self.clock.now()
        try:
            return self.heard.get(timeout=LOOK_S)
        except queue.Empty:
            return None

    def say(self, data: bytes) -> None:
        """Say something to the client; one that does not listen, or is not there, hears nothing."""
        with self._sending, suppress(OSError):
            self.client.settimeout(SEND_WITHIN_S)
            try:
                self.client.sendall(data)
            finally:
                self.client.setblocking(False)

    def close(self) -> None:
        """Stop hearing, take the control socket away and hang up."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(1.0)
        with suppress(OSError):
            self.control.unlink()
        self._selector.close()
        for each in (*self._callers, self._listening, self._wake_read, self._wake_write, self.client):
            each.close()

    def _hear(self) -> None:
        try:
            while not self._closing.is_set():
                self._hear_once()
        except Exception as error:  # a guardian that hears nothing must not have a beam
            self._off(Signalled(f"a mistake in its ears: {error!r}"))

    def _hear_once(self) -> None:
        before_s = self.clock.now()
        ready = self._selector.select(LOOK_S)
        self._watch_sleep(self.clock.now() - before_s)
        for key, _ in ready:
            self._hear_one(key.fileobj)  # type: ignore[arg-type]  # only sockets are registered
        self._watch_parent()
        self._watch_main()

    def _hear_one(self, ready: socket.socket) -> None:
        if ready is self._wake_read:
            self._hear_signal()
        elif ready is self._listening:
            self._hear_caller()
        elif ready is self.client:
            self._hear_client()
        elif ready in self._callers:  # it may just have been hung up on
            self._hear_call(ready)

    def _hear_signal(self) -> None:
        with suppress(OSError):
            numbers = [each for each in self._wake_read.recv(CHUNK) if each in SIGNALS]
            if numbers:
                self._off(Signalled(signal.Signals(numbers[0]).name))

    def _hear_caller(self) -> None:
        with suppress(OSError):
            caller, _ = self._listening.accept()
            caller.setblocking(False)
            if len(self._callers) >= MOST_CALLERS:
                self._hang_up(next(iter(self._callers)))
            self._callers[caller] = Buffer()
            self._selector.register(caller, selectors.EVENT_READ)

    def _hear_call(self, caller: socket.socket) -> None:
        data = b""
        with suppress(OSError):
            data = caller.recv(CHUNK)
        lines = self._callers[caller].lines(data)
        if lines:
            self._take_call(caller, lines[0])
        elif not data:
            self._hang_up(caller)

    def _take_call(self, caller: socket.socket, line: bytes) -> None:
        self._selector.unregister(caller)
        del self._callers[caller]
        try:
            call = parse_call(caller, line)
        except MessageError as error:
            answer_call(caller, {"refused": str(error)})
            return
        if call.stop:
            self._off(call)
        else:
            self.heard.put(call)

    def _hang_up(self, caller: socket.socket) -> None:
        self._selector.unregister(caller)
        del self._callers[caller]
        caller.close()

    def _hear_client(self) -> None:
        if self.heard.qsize() > MOST_WAITING:
            self.clock.sleep(LOOK_S / 10)  # it must wait until what it said before is answered
            return
        try:
            data = self.client.recv(CHUNK)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            self._gone("its program ended")
        for line in self._buffer.lines(data):
            if self.awaited_since_s is None:
                self.awaited_since_s = self.clock.now()
            self.heard.put(Line(line))

    def _gone(self, why: str) -> None:
        if not self._client_gone:
            self._client_gone = True
            self._selector.unregister(self.client)
            self._off(Gone(why))

    def _watch_parent(self) -> None:
        if os.getppid() != self._parent:  # somebody may have inherited the other end of the line
            self._gone("its program ended")

    def _watch_sleep(self, pause_s: float) -> None:
        asleep_s = self.clock.asleep_s()
        gap_s = max(pause_s, asleep_s - self._asleep_s)
        self._asleep_s = asleep_s
        if gap_s > GAP_S:
            self._off(Slept(gap_s))

    def _watch_main(self) -> None:
        now_s = self.clock.now()
        if now_s - self.came_by_s > self.stalled_after_s and self._stall_seen_s != self.came_by_s:
            self._stall_seen_s = self.came_by_s
            self.write_off()
        since_s = self.awaited_since_s
        if since_s is not None and now_s - max(since_s, self._busy_said_s) > BUSY_AFTER_S:
            self._busy_said_s = now_s
            self.say(encode_note(Note(BUSY, f"for {now_s - since_s:.1f} s")))

    def _off(self, why: Heard) -> None:
        """Have the main thread command off; one that does not take it at once is not waited for."""
        self.taken.clear()
        self.stopping.set()
        self.heard.put(why)
        if not self.taken.wait(TAKEN_WITHIN_S):
            self.write_off()
