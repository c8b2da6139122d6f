"""How `xraydaq off` deals with the process that has an instrument: asks its guardian, or tells it to stop."""

import json
import os
import signal
import socket
from dataclasses import dataclass
from typing import Any

from xraydaq.clock import Clock
from xraydaq.safety.locks import Owner, is_free, owner_of
from xraydaq.safety.processes import is_stopped

LOOK_S = 0.02
LONGEST_LINE = 10_000


@dataclass(frozen=True)
class GuardianAnswer:
    """What a guardian answered; `problem` is why that will not do."""

    is_off: bool
    text: str


def ask_guardian(control: str, who: str, clock: Clock, timeout_s: float) -> GuardianAnswer:
    """Have the guardian switch its tube off. Never raises."""
    deadline_s = clock.now() + timeout_s
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as guardian:
            guardian.settimeout(timeout_s)
            guardian.connect(control)
            guardian.sendall(json.dumps({"stop": who}).encode() + b"\n")
            received = b""
            while b"\n" not in received and len(received) < LONGEST_LINE:
                guardian.settimeout(max(1e-3, deadline_s - clock.now()))
                data = guardian.recv(4096)
                if not data:
                    break
                received += data
    except TimeoutError:
        return GuardianAnswer(False, f"its guardian did not answer within {timeout_s:.1f} s")
    except OSError as error:
        return GuardianAnswer(False, f"its guardian cannot be reached ({error.strerror or error})")
    return _understood(received.partition(b"\n")[0])


def _understood(line: bytes) -> GuardianAnswer:
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


def tell_to_stop(resource: str, told: dict[int, str]) -> tuple[Owner | None, str]:
    """Send SIGTERM to who holds a resource, once per command; `told` remembers who was told what."""
    owner = owner_of(resource)
    if owner is None or not owner.alive or owner.pid == os.getpid():
        return None, ""
    if owner.pid not in told:
        told[owner.pid] = _terminated(owner)
    return owner, told[owner.pid]


def _terminated(owner: Owner) -> str:
    try:
        os.kill(owner.pid, signal.SIGTERM)
    except OSError as error:
        return f"{owner} cannot be told to stop ({error.strerror})"
    halted = ", which is halted and cannot react" if is_stopped(owner.pid) else ""
    return f"{owner}{halted} was told to stop"


def wait_until_free(resource: str, owner: Owner, clock: Clock, deadline_s: float) -> bool:
    """Wait until a resource is free; a halted process is not waited for."""
    while True:
        if not owner.alive or is_free(resource):
            return True
        if not clock.now() < deadline_s or is_stopped(owner.pid):
            return False
        clock.sleep(LOOK_S)
