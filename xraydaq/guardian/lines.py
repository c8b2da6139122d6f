"""Lines that come in pieces, and the control socket at which anybody of this user may stop the beam."""

import json
import os
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from xraydaq.guardian.messages import MOST_REQUEST_BYTES, MessageError, parse_object, text_field

SEND_WITHIN_S = 0.05
BACKLOG = 64


@dataclass(frozen=True, slots=True)
class Call:
    """Somebody at the control socket: `stop` is who wants the beam off, empty for who only wants to know."""

    caller: socket.socket
    stop: str


@dataclass
class Buffer:
    """What has come of a line that is not complete."""

    data: bytes = b""
    skipping: bool = False

    def lines(self, received: bytes) -> list[bytes]:
        """Get the lines that are complete; one that is too long is handed on once, cut, and its rest dropped."""
        found = []
        *whole, self.data = (self.data + received).split(b"\n")
        for each in whole:
            if not self.skipping:
                found.append(each)
            self.skipping = False
        if len(self.data) > MOST_REQUEST_BYTES:
            if not self.skipping:
                found.append(self.data)
            self.data, self.skipping = b"", True
        return found


def parse_call(caller: socket.socket, line: bytes) -> Call:
    """Turn what somebody said at the control socket into what it means.

    Raises:
        MessageError: it is neither a stop nor a look.
    """
    wanted = parse_object(line, MOST_REQUEST_BYTES)
    if wanted.keys() == {"stop"}:
        return Call(caller, text_field(wanted["stop"]))
    if wanted == {"view": True}:
        return Call(caller, "")
    raise MessageError('say {"stop": "who you are"} or {"view": true}')


def answer_call(caller: socket.socket, answer: dict[str, object]) -> None:
    """Say one line to somebody at the control socket, and hang up."""
    with suppress(OSError):
        caller.settimeout(SEND_WITHIN_S)
        caller.sendall(json.dumps(answer).encode() + b"\n")
    caller.close()


def listening(path: Path) -> socket.socket:
    """Open the control socket, for this user only.

    Raises:
        OSError: there is no place for it.
    """
    with suppress(OSError):
        path.unlink()
    found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        found.bind(str(path))
    finally:
        os.umask(before)
    found.listen(BACKLOG)
    found.setblocking(False)
    return found
