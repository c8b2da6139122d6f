"""What stands in for a Radcal Accu-Gold+ with an ion chamber: a bridge program on a line, and its exported logs.

The host protocol of the real digitizer is not published and is not imitated. The bridge speaks version 1 of the
adapter line protocol described in docs/reference/simulated-accugold.md. Not verified on hardware.
"""

from instruments.sim.accugold.bridge import SimAccuGoldBridge
from instruments.sim.accugold.digitizer import Digitizer, Setup
from instruments.sim.accugold.export import LogEntry, write_csv, write_xlsx

__all__ = ["Digitizer", "LogEntry", "Setup", "SimAccuGoldBridge", "write_csv", "write_xlsx"]
