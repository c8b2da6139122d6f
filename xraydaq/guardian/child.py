"""Starts the guardian's process and speaks with it, one request at a time; knows nothing of beams."""

import socket
import subprocess
import sys
import threading

from xraydaq.clock import Clock
from xraydaq.guardian.messages import Asked, MessageError, Request, encode_request
from xraydaq.guardian.replies import BUSY, MOST_REPLY_BYTES, Note, Reply, parse_answer
from xraydaq.guardian.setup import Setup, encode_setup
from xraydaq.safety.processes import environment

CHUNK = 65536
LONGEST_S = 20.0
"""For an answer altogether, signs of life or not."""


class Silent(Exception):  # the client makes of it what it means
    """The process did not answer in time."""


class Ended(Exception):  # the same
    """The process is not there any more; the text is what it said last, if anything."""


class Child:
    """A process and the line to it. Safe to use from several threads: each exchange has the line for itself."""

    def __init__(self, setup: Setup, clock: Clock) -> None:
        said = encode_setup(setup)
        self._clock = clock
        self._numbers = 0
        self._received = b""
        self._last_note = ""
        self._lock = threading.Lock()
        self._line, far = socket.socketpair()
        try:
            self.process = started("xraydaq.guardian", far)
            self._line.sendall(said)
        except OSError:
            self._line.close()
            raise
        finally:
            far.close()

    def ready(self, timeout_s: float) -> Reply:
        """Wait for the reply to the setup.

        Raises:
            Silent, Ended: there is none.
        """
        with self._lock:
            return self._reply_to(0, timeout_s)

    def ask(self, asked: Asked, timeout_s: float) -> Reply:
        """Send a request and wait for its reply, for `timeout_s` after the last sign of life.

        Raises:
            Silent, Ended: there is none.
            MessageError: a value that no request may have; nothing was sent.
        """
        with self._lock:
            self._numbers += 1
            data = encode_request(Request(self._numbers, asked))
            try:
                self._line.settimeout(timeout_s)
                self._line.sendall(data)
            except TimeoutError:
                raise Silent from None
            except OSError:
                self._drain()
                raise Ended(self._last_note) from None
            return self._reply_to(self._numbers, timeout_s)

    def wait(self, timeout_s: float) -> int | None:
        """Wait for the process to end and get its exit code; None if it has not."""
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None

    def kill(self) -> None:
        """End the process by force."""
        self.process.kill()

    def hang_up(self) -> None:
        """Close the line, which the process takes for the end of this one."""
        self._line.close()

    def _reply_to(self, number: int, timeout_s: float) -> Reply:
        start_s = self._clock.now()
        deadline_s = start_s + timeout_s
        while True:
            answer = self._next(deadline_s)
            if isinstance(answer, Reply) and answer.number in (number, 0):
                return answer
            if isinstance(answer, Note):
                if answer.kind == BUSY:
                    deadline_s = min(self._clock.now() + timeout_s, start_s + LONGEST_S)
                else:
                    raise Ended(answer.text)

    def _next(self, deadline_s: float) -> Reply | Note:
        while b"\n" not in self._received:
            left_s = deadline_s - self._clock.now()
            if not left_s > 0:
                raise Silent
            try:
                self._line.settimeout(left_s)
                data = self._line.recv(CHUNK)
            except TimeoutError:
                raise Silent from None
            except OSError:
                data = b""
            if not data:
                raise Ended(self._last_note)
            self._received += data
            if len(self._received) > 2 * MOST_REPLY_BYTES:
                raise Ended("what it said was no message")
        line, _, self._received = self._received.partition(b"\n")
        try:
            return parse_answer(line)
        except MessageError as error:
            raise Ended(f"what it said was no message: {error}") from None

    def _drain(self) -> None:
        """Hear what it said before it ended."""
        try:
            while True:
                answer = self._next(self._clock.now())
                if isinstance(answer, Note):
                    self._last_note = answer.text
        except (Silent, Ended):
            return


def started(module: str, far: socket.socket) -> subprocess.Popen[bytes]:
    """Start a process of this program that is to outlive this one; it is given the far end of a line.

    Raises:
        OSError: it cannot be started.
    """
    return subprocess.Popen(
        [sys.executable, "-P", "-m", module, str(far.fileno())],
        pass_fds=[far.fileno()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment(),
        start_new_session=True,  # what a terminal sends to all of a group is the run's to act on
    )
