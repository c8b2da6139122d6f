"""The person at the bench: the few things that no cable can do."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from xraydaq.errors import InstrumentError

OPEN_LID, CLOSE_LID, MOUNT_ALUMINIUM, CONNECT_CRYSTAL = "open_lid", "close_lid", "mount_aluminium", "connect_crystal"


@dataclass(frozen=True)
class Request:
    """One thing to do: `kind` and `value` for a stand-in, `text` for a person."""

    kind: str
    text: str
    value: str = ""


class Operator(Protocol):
    """Does what is asked and says whether it is done."""

    def do(self, request: Request) -> bool:
        """Ask for one thing; False if it was declined."""


class TerminalOperator:
    """A person who reads the terminal and answers yes or no."""

    def __init__(self, ask: Callable[[str], bool]) -> None:
        self._ask = ask

    def do(self, request: Request) -> bool:
        """Show the request and wait for the answer."""
        return self._ask(request.text)


class Nobody:
    """Stands for an operator in a run that nobody attends: declines everything."""

    def do(self, request: Request) -> bool:  # noqa: ARG002  # the protocol's signature
        """Decline."""
        return False


class StandIn:
    """The operator of a simulated bench, reached over a line: ``DO <kind> <value>`` is answered by ``DONE``."""

    def __init__(self, exchange: Callable[[str], str]) -> None:
        self._exchange = exchange

    def do(self, request: Request) -> bool:
        """Have it done.

        Raises:
            InstrumentError: the simulated bench does not know how.
        """
        answer = self._exchange(f"DO {request.kind} {request.value}".strip()).strip()
        if answer != "DONE":
            raise InstrumentError(f"the operator of the simulated bench cannot {request.kind}: {answer!r}")
        return True
