"""How the guardian's process comes to its tube: reads the setup, writes off, then opens the tube with its driver."""

import socket
from dataclasses import asdict
from typing import TYPE_CHECKING

from instruments.emergency import lines
from instruments.emergency import tube as plain_tube
from xraydaq.clock import Clock
from xraydaq.errors import InstrumentError
from xraydaq.guardian.messages import MessageError
from xraydaq.guardian.setup import MOST_SETUP_BYTES, Setup, parse_setup

if TYPE_CHECKING:
    from instruments.minix2 import MiniX2

TIMEOUT_S = 0.45
"""Of one exchange: the device may write its flash for 0.4 s after a set (Amptek Programmer's Guide)."""

SETTLE_TIMEOUT_S = 1.5
SETUP_WITHIN_S = 10.0


def read_setup(client: socket.socket) -> tuple[Setup, bytes]:
    """Read the client's first line, and what came behind it.

    Raises:
        MessageError: it is no setup.
        OSError: it did not come.
    """
    client.settimeout(SETUP_WITHIN_S)
    received = b""
    while b"\n" not in received:
        data = client.recv(4096)
        if not data or len(received) > MOST_SETUP_BYTES:
            raise MessageError("no setup")
        received += data
    line, _, rest = received.partition(b"\n")
    return parse_setup(line), rest


def plain_off(setup: Setup, clock: Clock) -> str:
    """Write off before the slow parts are loaded, before anything is asked; gets what the tube said. Never raises."""
    try:
        with lines.opened(setup.resource, plain_tube.WIRING, setup.baud, setup.frame) as line:
            plain_tube.write_off(line)
            return f"found, after off was written: {plain_tube.see_off(line, clock, timeout_s=0.0).text}"
    except OSError as error:
        return f"could not be written the plain way: {error}"


def opened(setup: Setup, clock: Clock) -> "MiniX2":
    """Open the tube with timeouts that let nobody wait for long.

    Raises:
        InstrumentError: it cannot be opened.
    """
    from instruments.connect import framed, open_adapter
    from instruments.minix2 import LINE, MiniX2

    if setup.usb_serial is None:
        adapter = open_adapter(setup.resource, framed(LINE, setup.frame), baud=setup.baud)
    else:
        from instruments.minix2.usb import open_tube

        adapter = open_tube(setup.usb_serial, clock)
    limits = setup.limits
    return MiniX2(
        adapter,
        clock=clock,
        max_voltage_v=limits.max_voltage_v,
        max_current_a=limits.max_current_a,
        max_power_w=limits.max_power_w,
        settle_timeout_s=SETTLE_TIMEOUT_S,
        timeout_s=TIMEOUT_S,
    )


def check_identity(setup: Setup, identity: dict[str, str]) -> None:
    """Compare what the tube says of itself with what is wanted.

    Raises:
        InstrumentError: it is another one.
    """
    for label, wanted in asdict(setup.wanted).items():
        if wanted.casefold() not in identity[label].casefold():
            raise InstrumentError(
                f"the tube at {setup.resource}: {label} is {identity[label]!r}, the bench file says {wanted!r}"
            )
