"""Off for the Keithley 2400, and what it says then (Series 2400 SourceMeter User's Manual, 2400S-900-01: "UM")."""

import itertools

from instruments.emergency import Shown
from instruments.emergency.lines import PlainLine, Wiring
from instruments.wire.keithley2400 import parse_boolean, parse_register
from xraydaq.clock import Clock
from xraydaq.errors import WireError

WIRING = Wiring(baud=9600, xon_xoff=True)
OFF = ":ABOR;:OUTP OFF"
"""While it measures the instrument holds everything back but abort-class commands (UM, trigger model)."""

CTRL_C = b"\x03"  # UM, RS-232: acts as device clear
REPLY_TIMEOUT_S = 1.0
TRIES = 3


def write_off(line: PlainLine) -> None:
    """Write the off command, and nothing before it.

    Raises:
        OSError: the line failed.
    """
    _say(line, OFF)


def see_off(line: PlainLine, clock: Clock) -> Shown:
    """Find out whether the output is off, after `write_off`, which is repeated until it is. Never raises.

    The question carries a token, so that what the instrument said to its last owner is not taken for the answer.
    """
    said = "it said nothing"
    try:
        for token in itertools.islice(itertools.count(200), TRIES):
            enabled = _output_enabled(line, clock, token)
            if enabled is False:
                return Shown(True, "output off")
            if enabled:
                said = "OUTPUT ON"
            line.write(CTRL_C) if line.is_serial else line.clear()  # half a command may stand in its buffer
            write_off(line)
    except OSError as error:
        return Shown(False, f"{said}, then the line failed: {error}")
    return Shown(False, said)


def _say(line: PlainLine, message: str) -> None:
    line.write((message + ("\r" if line.is_serial else "\n")).encode())


def _output_enabled(line: PlainLine, clock: Clock, token: int) -> bool | None:
    _say(line, f"*ESE {token};*ESE?;:OUTP?;*ESE 0")
    deadline_s, received = clock.now() + REPLY_TIMEOUT_S, b""
    while (left_s := deadline_s - clock.now()) > 0:
        received += line.read(left_s)
        *lines, _ = received.replace(b"\r", b"\n").split(b"\n")
        for each in lines:
            first, _, second = each.decode("latin-1").partition(";")
            try:
                if parse_register(first) == token:
                    return parse_boolean(second)
            except WireError:
                continue  # what it said to somebody else
    return None
