"""The requests that a Mini-X2 answers, each with one packet."""

from collections.abc import Callable
from dataclasses import dataclass

from instruments.sim.minix2 import records
from instruments.sim.minix2.controller import Controller
from instruments.sim.minix2.packets import (
    BAD_PARAMETER,
    LENGTH_ERROR,
    LONGEST_REQUEST,
    OK,
    PID_ERROR,
    Request,
    Spoiled,
    acknowledge,
    encode,
)
from instruments.sim.minix2.records import Stamp
from instruments.sim.minix2.text import TextCommands
from instruments.sim.minix2.unit import TABLE_BYTES, WARM_UP_BYTES, TubeTable
from instruments.sim.minix2.warm_up import MONTHLY

TIMESTAMP_BYTES = 6
COMM_TEST = 0xF1
LAST_COMM_TEST_CODE = 0x0F


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply packet. `code` is that of an acknowledge, OK for data; `stalls`: the device then stores settings."""

    packet: bytes
    code: int = OK
    stalls: bool = False


class Requests:
    """Executes requests on a controller."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._text = TextCommands(controller)
        varying = range(LONGEST_REQUEST + 1)
        self._known: dict[tuple[int, int], tuple[range, Callable[[bytes], Answer]]] = {
            (0x01, 0x01): (range(1), self._status),
            (0x03, 0x02): (range(1), lambda _: _data(0x02, controller.misc_data)),
            (0x03, 0x07): (range(1), lambda _: _data(0x08, records.netfinder(controller))),
            (0x03, 0x08): (varying, self._i2c),
            (0x03, 0x0B): (range(1), lambda _: _data(0x0D, controller.tube.raw)),
            (0x03, 0x0C): (range(1), lambda _: _data(0x0E, controller.warm_up_table)),
            (0x03, 0x0D): (range(1), lambda _: _data(0x0F, records.stamp_record(controller))),
            (0x03, 0x0E): (range(1), lambda _: _data(0x10, controller.fault_record)),
            (0x20, 0x02): (varying, self._configure),
            (0x20, 0x03): (varying, lambda data: _data(0x07, self._text.read_back(data))),
            (0xF0, 0x09): (_exactly(LONGEST_REQUEST), self._write_misc_data),
            (0xF0, 0x30): (_exactly(TABLE_BYTES), self._write_tube_table),
            (0xF0, 0x31): (_exactly(TIMESTAMP_BYTES), self._write_stamp),
            (0xF0, 0x32): (_exactly(WARM_UP_BYTES), self._write_warm_up_table),
            (0xF0, 0x33): (_exactly(1), self._start_warm_up),
            (COMM_TEST, 0x7F): (varying, lambda data: Answer(encode(0x8F, 0x7F, data))),
        }

    def answer(self, request: Request | Spoiled) -> Answer:
        """Execute a request. A packet that can be read counts as a sign of life, whatever it asks (assumed)."""
        if isinstance(request, Spoiled):
            return _refusal(request.code)
        self._controller.heard_s = self._controller.now_s
        group, number = request.pid
        if group == COMM_TEST and number <= LAST_COMM_TEST_CODE:
            return Answer(acknowledge(number)) if not request.data else _refusal(LENGTH_ERROR)
        if request.pid not in self._known:
            return _refusal(PID_ERROR)
        lengths, act = self._known[request.pid]
        return act(request.data) if len(request.data) in lengths else _refusal(LENGTH_ERROR)

    def _status(self, _: bytes) -> Answer:
        data = records.status(self._controller)
        self._controller.first_status = False
        return Answer(encode(0x80, 0x02, data))

    def _configure(self, data: bytes) -> Answer:
        code, offending = self._text.configure(data)
        return Answer(acknowledge(code, offending), code, stalls=True)

    def _start_warm_up(self, data: bytes) -> Answer:
        if data[0] > MONTHLY:
            return _refusal(BAD_PARAMETER)
        self._controller.start_warm_up(data[0])
        return _done()

    def _write_stamp(self, data: bytes) -> Answer:
        self._controller.stamp = Stamp.written(data, self._controller.now_s)
        return _done()

    def _i2c(self, _: bytes) -> Answer:
        return self._note("I2C transfer")

    def _write_misc_data(self, data: bytes) -> Answer:
        self._controller.misc_data = data
        return self._note("misc data write")

    def _write_tube_table(self, data: bytes) -> Answer:
        self._controller.tube = TubeTable(data)
        self._controller.look_around()
        return self._note("tube table write")

    def _write_warm_up_table(self, data: bytes) -> Answer:
        self._controller.warm_up_table = data
        return self._note("warm-up table write")

    def _note(self, what: str) -> Answer:
        """Do what a driver should never ask for, as the device would, and remember it."""
        self._controller.writes.append((self._controller.now_s, what))
        return _done()


def _exactly(length: int) -> range:
    return range(length, length + 1)


def _data(number: int, data: bytes) -> Answer:
    return Answer(encode(0x82, number, data))


def _done() -> Answer:
    return Answer(acknowledge(OK))


def _refusal(code: int) -> Answer:
    return Answer(acknowledge(code), code)
