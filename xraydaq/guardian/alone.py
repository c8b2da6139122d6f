"""The tube switched off without a guardian: what its client does when the guardian is hung or dead."""

from instruments.emergency import Shown, tube
from instruments.emergency.lines import opened
from xraydaq.clock import Clock
from xraydaq.errors import BusyError
from xraydaq.guardian.setup import Setup
from xraydaq.safety.locks import held


def emergency_off(setup: Setup, clock: Clock) -> Shown:
    """Switch the tube off without a guardian. A port that another process still has is left alone. Never raises."""
    try:
        with (
            held(setup.resource, f"{setup.what} (emergency off)"),
            opened(setup.resource, tube.WIRING, setup.baud, setup.frame) as line,
        ):
            tube.write_off(line)
            return tube.see_off(line, clock)
    except (OSError, BusyError) as error:
        return Shown(False, f"off could not be written: {error}")
