"""Takes the readings of one trigger and makes sure that they are the ones that were asked for.

UM is the Series 2400 SourceMeter User's Manual, 2400S-900-01. The readings are those of the sample store, fetched by
the ``:READ?`` that takes them: it answers when the last is there, so nothing is polled (while the instrument measures
it executes no query: UM, trigger model), and an older set cannot be mistaken for the new one, as with ``:FETC?``.
"""

import math
from collections.abc import Callable
from itertools import pairwise

from instruments.keithley2400.errors import describe, drain, set_checked
from instruments.keithley2400.link import Link
from instruments.keithley2400.runs import LinearSweep, Run
from instruments.keithley2400.settings import (
    BITS_PER_CHARACTER,
    BYTE_ORDER,
    READ_ELEMENTS,
    ROW_CHARACTERS,
    SourceVoltageSettings,
    check_function,
)
from instruments.wire.keithley2400 import Reading, parse_readings
from instruments.wire.keithley2400.stream import BlockReader
from xraydaq.errors import InstrumentError, WireError

ASCII_ONLY = (701, -701)  # UM, error 701: RS-232 carries text only; the sign depends on the firmware
TIMEOUT_MARGIN = 1.5
TIMEOUT_SLACK_S = 2.0


def acquire(link: Link, settings: SourceVoltageSettings, run: Run) -> tuple[Reading, ...]:
    """Take the readings of a run, without undoing its settings.

    Raises:
        InstrumentError: as an exchange; also if a level or the number of readings is not what was asked for.
    """
    for command in (*run.commands(), f":TRIG:COUN {run.points}", ":SYST:TIME:RES"):
        set_checked(link, command)
    run.check(link)
    binary = _binary(link)
    readings = _fetch(link, settings, run, binary=binary)
    _check_readings(link.name, settings, run, readings)
    return readings


def undo(link: Link, settings: SourceVoltageSettings, run: Run, level_v: float) -> None:
    """Set back what the run changed; the next reading is a single one at `level_v`, the level before.

    Raises:
        InstrumentError: a setting was refused or nobody answers.
    """
    for command in (*run.undo(settings.source_range, level_v), ":TRIG:COUN 1", ":FORM ASC"):
        set_checked(link, command)


def _binary(link: Link) -> bool:
    """Choose single-precision blocks where the interface takes them; a socket may lead to a serial line."""
    if link.serial:
        return False
    link.send(":FORM REAL,32")
    failures = [message for message in drain(link) if message.is_failure]
    if failures and not all(message.code in ASCII_ONLY for message in failures):
        raise InstrumentError(f"{link.name}: refused :FORM REAL,32: {describe(failures)}")
    return not failures


def _fetch(link: Link, settings: SourceVoltageSettings, run: Run, *, binary: bool) -> tuple[Reading, ...]:
    acquisition_s = run.points * (settings.cycle_s + run.wait_s)
    transfer_s = 0.0 if binary else run.points * ROW_CHARACTERS * BITS_PER_CHARACTER / link.baud
    timeout_s = TIMEOUT_MARGIN * (acquisition_s + transfer_s) + TIMEOUT_SLACK_S
    if binary:
        return link.ask_block(":READ?", BlockReader(READ_ELEMENTS, BYTE_ORDER, run.points), timeout_s)
    return link.ask(":READ?", _rows(run.points), timeout_s)


def _rows(points: int) -> Callable[[str], tuple[Reading, ...]]:
    def parse(line: str) -> tuple[Reading, ...]:
        readings = parse_readings(line, READ_ELEMENTS)
        if len(readings) != points:
            raise WireError(f"{len(readings)} readings instead of {points}", line.encode())
        return readings

    return parse


def _check_readings(name: str, settings: SourceVoltageSettings, run: Run, readings: tuple[Reading, ...]) -> None:
    for reading in readings:
        check_function(name, reading)
    if any(after.time_s < before.time_s for before, after in pairwise(readings)):
        raise InstrumentError(f"{name}: time stamps run backwards within one set of readings")
    for index, (level_v, reading) in enumerate(zip(run.levels_v, readings, strict=False)):
        if not math.isclose(reading.voltage_v, level_v, rel_tol=1e-5, abs_tol=_tolerance_v(settings, run)):
            raise InstrumentError(
                f"{name}: point {index + 1} of the sweep reports {reading.voltage_v} V instead of {level_v} V"
            )


def _tolerance_v(settings: SourceVoltageSettings, run: Run) -> float:
    """Get half a step: the instrument rounds the step of a linear sweep, which adds up along the way."""
    levels_v = run.levels_v
    coarse_v = abs(levels_v[-1] - levels_v[0]) / 2 / (len(levels_v) - 1) if isinstance(run, LinearSweep) else 0.0
    return coarse_v + settings.level_step_v
