"""A process that waits for a run without tube to end, and switches off what it left on if it did not say goodbye.

Run as ``python -m xraydaq.guardian.caretaker FD`` by `cared_for`, never by a person. The guardian of a tube does the
same for a run with one.
"""

import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

from xraydaq.clock import RealClock
from xraydaq.errors import EXIT_DONE, EXIT_NOT_OFF
from xraydaq.guardian.child import started
from xraydaq.guardian.logbook import Logbook
from xraydaq.guardian.messages import MessageError, encode_object, parse_object, text_field
from xraydaq.guardian.orphans import switch_off_at_last
from xraydaq.guardian.setup import MOST_SETUP_BYTES, others_field
from xraydaq.safety.sessions import Owned

GOODBYE = b"goodbye\n"
CHUNK = 4096


@contextmanager
def cared_for(others: tuple[Owned, ...], what: str, log: Path | None) -> Iterator[None]:
    """Have `others` switched off, in this order, if this process ends before the block does.

    Raises:
        OSError: no process can be started.
    """
    if not others:
        yield
        return
    line, far = socket.socketpair()
    with line:
        with far:
            process = started("xraydaq.guardian.caretaker", far)
        line.sendall(encode_object({"what": what, "log": str(log or ""), "others": [asdict(each) for each in others]}))
        try:
            yield
        finally:
            with suppress(OSError):
                line.sendall(GOODBYE)
            process.wait()


def main(arguments: Sequence[str]) -> int:
    """Wait for the end of the run; returns the exit code."""
    said = _all_said(socket.socket(fileno=int(arguments[0])))
    first, _, rest = said.partition(b"\n")
    if rest == GOODBYE:
        return EXIT_DONE
    try:
        record = parse_object(first, MOST_SETUP_BYTES)
        what, others = text_field(record.get("what")), others_field(record.get("others"))
    except MessageError:
        return EXIT_NOT_OFF
    clock = RealClock()
    log = Logbook(str(record.get("log")) or None, clock)
    log.line("left alone", what, "warning")
    all_off = switch_off_at_last(others, clock, what, log.line)
    log.close()
    return EXIT_DONE if all_off else EXIT_NOT_OFF


def _all_said(line: socket.socket) -> bytes:
    said = b""
    while data := line.recv(CHUNK):
        said += data
        if said.endswith(b"\n" + GOODBYE):
            break
    return said


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
