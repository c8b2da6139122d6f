"""Heater off for the Lake Shore 335, and what it says then, without its driver. NEVER VERIFIED ON HARDWARE."""

from instruments.emergency import Shown
from instruments.emergency.lines import PlainLine, Wiring
from instruments.wire.lakeshore335 import parse_code
from xraydaq.clock import Clock
from xraydaq.errors import WireError

WIRING = Wiring(baud=57600, frame="7O1")
OUTPUTS = (1, 2)
OFF = "".join(f"RANGE {output},0\n" for output in OUTPUTS).encode()
GAP_S = 0.06
"""Between commands; 50 ms is its least (Model 335 User's Manual, message flow control)."""

REPLY_TIMEOUT_S = 0.5
TRIES = 3


def write_off(line: PlainLine) -> None:
    """Write the off commands, and nothing before them.

    Raises:
        OSError: the line failed.
    """
    line.write(OFF)


def see_off(line: PlainLine, clock: Clock) -> Shown:
    """Find out whether both heaters are off, after `write_off`, which is repeated until they are. Never raises."""
    said = "it said nothing"
    try:
        for _ in range(TRIES):
            clock.sleep(GAP_S)
            while line.read(0.0):
                pass  # what it said to its last owner
            ranges = [_range(line, clock, output) for output in OUTPUTS]
            if ranges == [0, 0]:
                return Shown(True, "both heaters off")
            if any(ranges):
                said = "HEATER ON"
            clock.sleep(GAP_S)
            write_off(line)
    except OSError as error:
        return Shown(False, f"{said}, then the line failed: {error}")
    return Shown(False, said)


def _range(line: PlainLine, clock: Clock, output: int) -> int | None:
    line.write(f"RANGE? {output}\n".encode())
    deadline_s, received = clock.now() + REPLY_TIMEOUT_S, b""
    while b"\n" not in received and (left_s := deadline_s - clock.now()) > 0:
        received += line.read(left_s)
    clock.sleep(GAP_S)
    try:
        return parse_code(received.partition(b"\n")[0].decode("latin-1").strip())
    except WireError:
        return None
