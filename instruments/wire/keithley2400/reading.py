"""One reading of the Keithley 2400 and what its status word says.

UM is the Series 2400 SourceMeter User's Manual, 2400S-900-01.
"""

import math
from dataclasses import dataclass

NO_STATUS = -1
"""Status of a reading that was transferred without its status word."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading. `nan` is "not available" or, with `overflow`, a number beyond the range.

    The status bits are those of UM, data elements, status.
    """

    voltage_v: float
    """Measured if `voltage_measured`, otherwise the programmed source level, which compliance makes wrong."""

    current_a: float
    time_s: float
    status: int
    overflow: bool
    resistance_ohm: float = math.nan

    @property
    def over_range(self) -> bool:
        """Get whether the reading was made while over range."""
        return self._bits(1 << 0)

    @property
    def filter_enabled(self) -> bool:
        """Get whether the averaging filter was on."""
        return self._bits(1 << 1)

    @property
    def front_terminals(self) -> bool:
        """Get whether the front terminals were in use (rear otherwise)."""
        return self._bits(1 << 2)

    @property
    def in_real_compliance(self) -> bool:
        """Get whether the output was limited at the programmed compliance."""
        return self._bits(1 << 3)

    @property
    def in_range_compliance(self) -> bool:
        """Get whether the output was limited at the full scale of a fixed measure range."""
        return self._bits(1 << 16)

    @property
    def in_compliance(self) -> bool:
        """Get whether the output was limited, by either."""
        return self._bits(1 << 3 | 1 << 16)

    @property
    def over_voltage_protection(self) -> bool:
        """Get whether the limit of the over-voltage protection was reached."""
        return self._bits(1 << 4)

    @property
    def voltage_measured(self) -> bool:
        """Get whether the voltage was measured."""
        return self._bits(1 << 11)

    @property
    def current_measured(self) -> bool:
        """Get whether the current was measured."""
        return self._bits(1 << 12)

    @property
    def voltage_sourced(self) -> bool:
        """Get whether the voltage source was in use."""
        return self._bits(1 << 14)

    @property
    def current_sourced(self) -> bool:
        """Get whether the current source was in use."""
        return self._bits(1 << 15)

    @property
    def four_wire(self) -> bool:
        """Get whether remote sense was in use."""
        return self._bits(1 << 22)

    def _bits(self, mask: int) -> bool:
        if self.status == NO_STATUS:
            raise ValueError("this reading was transferred without its status")
        return self.status & mask != 0
