"""Tells the guardian at its control socket to switch its tube off. Standard library only: `xraydaq off` comes here."""

import json
import socket
from dataclasses import dataclass
from typing import Any

from xraydaq.clock import Clock

LONGEST_LINE = 10_000


@dataclass(frozen=True)
class GuardianAnswer:
    """What a guardian answered; unless the tube is off, `text` is why that will not do."""

    is_off: bool
    text: str


def told_to_stop(control: str, who: str, clock: Clock, timeout_s: float) -> bytes:
    """Have the guardian switch its tube off and get the line that it answers.

    Raises:
        TimeoutError: it was told, but did not answer in time.
        OSError: it cannot be reached.
    """
    deadline_s, received = clock.now() + timeout_s, b""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as guardian:
        guardian.settimeout(timeout_s)
        guardian.connect(control)
        guardian.sendall(json.dumps({"stop": who}).encode() + b"\n")
        while b"\n" not in received and len(received) < LONGEST_LINE:
            guardian.settimeout(max(1e-3, deadline_s - clock.now()))
            data = guardian.recv(4096)
            if not data:
                break
            received += data
    return received.partition(b"\n")[0]


def understood(line: bytes) -> GuardianAnswer:
    """Get what an answer means, whatever it is."""
    try:
        answer: Any = json.loads(line)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        return GuardianAnswer(False, "its guardian answered something else")
    details = ", ".join(f"{key} {value}" for key, value in answer.items() if key != "off")
    if answer.get("off") is not True:
        return GuardianAnswer(False, f"its guardian could not show it to be off{details and f' ({details})'}")
    return GuardianAnswer(True, details)
