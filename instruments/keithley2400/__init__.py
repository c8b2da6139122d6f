"""The Keithley 2400 as a voltage source that measures current. NEVER VERIFIED ON HARDWARE."""

from instruments.keithley2400.driver import LINE, Keithley2400
from instruments.keithley2400.settings import SourceVoltageSettings

__all__ = ["LINE", "Keithley2400", "SourceVoltageSettings"]
