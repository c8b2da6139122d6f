"""Status registers with transition filters (GPIB Programming, chapter on the status registers)."""

from dataclasses import dataclass, field

from instruments.sim.agilent35670a.errors import ErrorQueue

CALIBRATING, SETTLING, RANGING, MEASURING, AVERAGING = 1, 2, 4, 16, 256
VOLTAGE, CALIBRATION_FAILED = 1, 256
OVERLOAD, HALF_RANGE = 1, 256
AUTOCALIBRATION_OFF = 1
OPERATION_COMPLETE, QUERY_ERROR, DEVICE_ERROR, EXECUTION_ERROR, COMMAND_ERROR, POWER_ON = 1, 4, 8, 16, 32, 128
DEVICE_SUMMARY, QUESTIONABLE_SUMMARY, MESSAGE_AVAILABLE, EVENT_SUMMARY = 4, 8, 16, 32
SERVICE, OPERATION_SUMMARY = 64, 128
ALL = 32767


@dataclass
class Register:
    """A condition, the transitions that count, the events they left, and which of those are summed up."""

    condition: int = 0
    event: int = 0
    enable: int = 0
    positive: int = ALL
    negative: int = 0

    def become(self, condition: int) -> None:
        """Take a new condition and note the events of the change."""
        risen, fallen = condition & ~self.condition, self.condition & ~condition
        self.event |= (risen & self.positive) | (fallen & self.negative)
        self.condition = condition

    def put(self, bit: int, is_set: bool) -> None:
        """Set or clear one bit of the condition."""
        self.become(self.condition | bit if is_set else self.condition & ~bit)

    def take(self) -> int:
        """Read the events and clear them."""
        event, self.event = self.event, 0
        return event

    def preset(self) -> None:
        """Bring enable and filters to their preset values."""
        self.enable, self.positive, self.negative = 0, ALL, 0


@dataclass
class Registers:
    """The registers and the error queue."""

    errors: ErrorQueue = field(default_factory=ErrorQueue)
    operation: Register = field(default_factory=Register)
    questionable: Register = field(default_factory=Register)
    voltage: Register = field(default_factory=Register)
    device: Register = field(default_factory=Register)
    standard_event: int = POWER_ON
    standard_enable: int = 0
    service_enable: int = 0
    service_taken: bool = False

    def error(self, code: int) -> None:
        """Queue an error and set its class in the standard event register."""
        self.errors.push(code)
        classes = {1: COMMAND_ERROR, 2: EXECUTION_ERROR, 3: DEVICE_ERROR, 4: QUERY_ERROR}
        self.standard_event |= classes[-code // 100]

    def take_standard(self) -> int:
        """Read the standard event register and clear it."""
        event, self.standard_event = self.standard_event, 0
        return event

    def see(self, *, overload: bool, half_range: bool) -> None:
        """Note what the input has seen."""
        self.voltage.become((OVERLOAD if overload else 0) | (HALF_RANGE if half_range else 0))
        self.questionable.put(VOLTAGE, overload)

    def status_byte(self, message_available: bool) -> int:
        """Get the status byte; bit 6 is the summary of what is enabled for service."""
        byte = 0
        for is_set, bit in (
            (self.device.event & self.device.enable, DEVICE_SUMMARY),
            (self.questionable.event & self.questionable.enable, QUESTIONABLE_SUMMARY),
            (message_available, MESSAGE_AVAILABLE),
            (self.standard_event & self.standard_enable, EVENT_SUMMARY),
            (self.operation.event & self.operation.enable, OPERATION_SUMMARY),
        ):
            byte |= bit if is_set else 0
        return byte | (SERVICE if byte & self.service_enable else 0)

    def serial_poll(self, message_available: bool) -> int:
        """Get the status byte as the bus hardware does: the request for service is given once."""
        byte = self.status_byte(message_available)
        requested = bool(byte & SERVICE)
        byte = byte & ~SERVICE if self.service_taken else byte
        self.service_taken = requested
        return byte

    def clear(self) -> None:
        """``*CLS``: event registers and error queue."""
        for register in (self.operation, self.questionable, self.voltage, self.device):
            register.event = 0
        self.standard_event = 0
        self.errors.clear()
        self.service_taken = False
