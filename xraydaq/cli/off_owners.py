"""How `xraydaq off` deals with the process that has an instrument: asks its guardian, or tells it to stop."""

import os
import signal

from xraydaq.clock import Clock
from xraydaq.guardian.control import GuardianAnswer, told_to_stop, understood
from xraydaq.safety.locks import Owner, is_free, owner_of
from xraydaq.safety.processes import is_stopped

LOOK_S = 0.02


def ask_guardian(control: str, who: str, clock: Clock, timeout_s: float) -> GuardianAnswer:
    """Have the guardian switch its tube off. Never raises."""
    try:
        return understood(told_to_stop(control, who, clock, timeout_s))
    except TimeoutError:
        return GuardianAnswer(False, f"its guardian did not answer within {timeout_s:.1f} s")
    except OSError as error:
        return GuardianAnswer(False, f"its guardian cannot be reached ({error.strerror or error})")


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
