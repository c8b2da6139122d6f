"""Switches off what a dead client has left on: the source's output, then the heater."""

from collections.abc import Callable
from contextlib import ExitStack
from types import ModuleType

from instruments.emergency import Shown
from instruments.emergency.lines import opened
from xraydaq.clock import Clock
from xraydaq.errors import BusyError
from xraydaq.safety.locks import held
from xraydaq.safety.sessions import Owned

FREE_WITHIN_S = 3.0
"""A process that ends gives its line to the guardian and its locks back, in any order."""

RETRY_S = 0.05

AGAIN_FOR_S, AGAIN_EVERY_S = 10.0, 2.0
"""A cable that is out may be put in again, by whoever has seen the alarm."""

Tell = Callable[[str, str, str], None]


def switch_off(others: tuple[Owned, ...], clock: Clock, what: str, tell: Tell) -> bool:
    """Try every instrument in order; tells what each showed and returns whether all showed that they are off."""
    all_off = True
    for owned in others:
        try:
            shown = _one(owned, clock, what)
        except Exception as error:  # the next one must be tried whatever this one met
            shown = Shown(False, f"{type(error).__name__}: {error}")
        all_off = all_off and shown.is_off
        kind, severity = ("left off", "info") if shown.is_off else ("NOT SHOWN TO BE OFF", "error")
        tell(kind, f"{owned.role} {owned.resource}: {shown.text}", severity)
    return all_off


def switch_off_at_last(others: tuple[Owned, ...], clock: Clock, what: str, tell: Tell) -> bool:
    """As `switch_off`, and again for a while with what did not show that it is off."""
    deadline_s = clock.now() + AGAIN_FOR_S
    left = others
    while True:
        left = tuple(each for each in left if not switch_off((each,), clock, what, tell))
        if not left or not clock.now() < deadline_s:
            return not left
        clock.sleep(AGAIN_EVERY_S)


def _one(owned: Owned, clock: Clock, what: str) -> Shown:
    instrument = _instrument(owned.driver)
    if instrument is None:
        return Shown(False, f"no way is known to switch a {owned.driver} off")
    with ExitStack() as stack:
        _hold(stack, owned, clock, what)
        line = stack.enter_context(opened(owned.resource, instrument.WIRING, owned.baud, owned.frame))
        instrument.write_off(line)
        shown: Shown = instrument.see_off(line, clock)
        return shown


def _hold(stack: ExitStack, owned: Owned, clock: Clock, what: str) -> None:
    deadline_s = clock.now() + FREE_WITHIN_S
    while True:
        try:
            stack.enter_context(held(owned.resource, what))
            return
        except BusyError:
            if not clock.now() < deadline_s:
                raise
            clock.sleep(RETRY_S)


def _instrument(driver: str) -> ModuleType | None:
    if driver == "keithley2400":
        from instruments.emergency import source

        return source
    if driver == "lakeshore335":
        from xraydaq.guardian import heater

        return heater
    return None
