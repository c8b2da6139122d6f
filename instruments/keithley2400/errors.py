"""The error queue of the Keithley 2400: asked after each setting, because a refused one says nothing by itself.

UM is the Series 2400 SourceMeter User's Manual, 2400S-900-01.
"""

from instruments.keithley2400.link import Link
from instruments.wire.keithley2400 import ErrorMessage, parse_error
from xraydaq.errors import InstrumentError

MOST_MESSAGES = 20  # the queue holds 10 (UM, error queue)


def drain(link: Link) -> tuple[ErrorMessage, ...]:
    """Get and remove everything in the queue.

    Raises:
        InstrumentError: it does not become empty, or no answer.
    """
    messages: list[ErrorMessage] = []
    while len(messages) < MOST_MESSAGES:
        message = parse_error(link.query(":SYST:ERR?")[0])
        if message.code == 0:
            return tuple(messages)
        messages.append(message)
    raise InstrumentError(f"{link.name}: the error queue does not become empty: {describe(messages[-1:])}")


def set_checked(link: Link, command: str) -> None:
    """Send a command and make sure that it was taken.

    Raises:
        InstrumentError: it was refused; the message names command and errors.
    """
    link.send(command)
    failures = [message for message in drain(link) if message.is_failure]
    if failures:
        raise InstrumentError(f"{link.name}: refused {command}: {describe(failures)}")


def complaints(link: Link) -> str:
    """Get the queue as text, for the message of an error that is being raised."""
    return describe(drain(link)) or "no error in its queue"


def describe(messages: tuple[ErrorMessage, ...] | list[ErrorMessage]) -> str:
    """Spell messages as the instrument does."""
    return "; ".join(f'{message.code}, "{message.text}"' for message in messages)
