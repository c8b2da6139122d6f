"""The tube switched off without a guardian: what its client does when the guardian is hung or dead."""

from contextlib import ExitStack

from instruments.emergency import Shown, tube
from instruments.emergency.lines import Wiring, open_line
from xraydaq.clock import Clock
from xraydaq.errors import BusyError
from xraydaq.guardian.setup import Setup
from xraydaq.safety.locks import held


def emergency_off(setup: Setup, clock: Clock) -> Shown:
    """Switch the tube off without a guardian. A port that another process still has is left alone. Never raises."""
    wiring = tube.WIRING
    try:
        with ExitStack() as stack:
            stack.enter_context(held(setup.resource, f"{setup.what} (emergency off)"))
            line = open_line(setup.resource, Wiring(setup.baud or wiring.baud, setup.frame or wiring.frame))
            stack.callback(line.close)
            tube.write_off(line)
            return tube.see_off(line, clock)
    except (OSError, BusyError) as error:
        return Shown(False, f"off could not be written: {error}")
