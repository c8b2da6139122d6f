"""Status registers (User's Manual, section 15: status structure)."""

from dataclasses import dataclass, field

from instruments.sim.keithley2400.errors import ErrorQueue
from instruments.sim.keithley2400.settings import Kept

MEASUREMENT_SUMMARY, ERROR_AVAILABLE, QUESTIONABLE_SUMMARY = 1, 4, 8
MESSAGE_AVAILABLE, EVENT_SUMMARY, SERVICE, OPERATION_SUMMARY = 16, 32, 64, 128
OPERATION_COMPLETE, QUERY_ERROR, DEVICE_ERROR, EXECUTION_ERROR, COMMAND_ERROR, POWER_ON = 1, 4, 8, 16, 32, 128
READING, READING_OVERFLOW, BUFFER_AVAILABLE, BUFFER_FULL, IN_COMPLIANCE = 64, 128, 256, 512, 16384
IDLE = 1024


@dataclass
class Event:
    """An event register: bits stay until they are read."""

    bits: int = 0

    def take(self) -> int:
        """Read and clear."""
        bits, self.bits = self.bits, 0
        return bits


@dataclass
class Registers:
    """The registers and the error queue."""

    errors: ErrorQueue = field(default_factory=ErrorQueue)
    standard: Event = field(default_factory=lambda: Event(POWER_ON))
    measurement: Event = field(default_factory=Event)
    operation: Event = field(default_factory=Event)
    questionable: Event = field(default_factory=Event)
    measurement_condition: int = 0
    service_taken: bool = False

    def error(self, code: int) -> None:
        """Queue an error and set its class in the standard event register."""
        self.errors.push(code)
        if -200 < code <= -100:
            self.standard.bits |= COMMAND_ERROR
        elif -300 < code <= -200 or code >= 800:
            self.standard.bits |= EXECUTION_ERROR
        elif -500 < code <= -400:
            self.standard.bits |= QUERY_ERROR
        else:
            self.standard.bits |= DEVICE_ERROR

    def status_byte(self, kept: Kept, message_available: bool) -> int:
        """Get the status byte; bit 6 is the summary of what is enabled for service."""
        byte = 0
        for is_set, bit in (
            (self.measurement.bits & kept.measurement_enable, MEASUREMENT_SUMMARY),
            (len(self.errors), ERROR_AVAILABLE),
            (self.questionable.bits & kept.questionable_enable, QUESTIONABLE_SUMMARY),
            (message_available, MESSAGE_AVAILABLE),
            (self.standard.bits & kept.standard_enable, EVENT_SUMMARY),
            (self.operation.bits & kept.operation_enable, OPERATION_SUMMARY),
        ):
            byte |= bit if is_set else 0
        return byte | (SERVICE if byte & kept.service_enable else 0)

    def serial_poll(self, kept: Kept, message_available: bool) -> int:
        """Get the status byte as the bus hardware does: the request for service is given once."""
        byte = self.status_byte(kept, message_available)
        requested = bool(byte & SERVICE)
        byte = byte & ~SERVICE if self.service_taken else byte
        self.service_taken = requested
        return byte

    def clear(self) -> None:
        """``*CLS``: event registers and error queue."""
        for event in (self.standard, self.measurement, self.operation, self.questionable):
            event.bits = 0
        self.errors.clear()
        self.service_taken = False
