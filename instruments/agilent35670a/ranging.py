"""Finds the input range of the present signal, which is then frozen. Not verified on hardware."""

from collections.abc import Callable
from dataclasses import replace

from instruments.agilent35670a.link import Link
from instruments.agilent35670a.settings import RANGES_DBVRMS, NoiseSettings
from instruments.wire.agilent35670a import parse_number, parse_whole
from xraydaq.errors import InstrumentError, LimitError, StoppedByUser

SPAN_HZ, LINES = 1600.0, 400  # records of 0.25 s
RECORD_TIMEOUT_S = 10.0
SAME = 4
"""Records in a row that must leave the range as it is."""

MOST_RECORDS = 3 * len(RANGES_DBVRMS)


def ranging_settings(settings: NoiseSettings) -> NoiseSettings:
    """Get settings with short records and the same input."""
    return replace(settings, span_hz=SPAN_HZ, lines=LINES, averages=1, overlap_percent=0)


def find_range(link: Link, headroom_db: int, should_stop: Callable[[], bool] | None) -> int:
    """Take record after record with automatic ranging until the range stays, then freeze it.

    Returns that range plus `headroom_db`, at most the least sensitive one.

    Raises:
        LimitError: the headroom is no whole number of 2 dB steps.
        InstrumentError: the range does not come to rest. StoppedByUser: as `should_stop` says.
    """
    if headroom_db not in range(0, RANGES_DBVRMS[-1] - RANGES_DBVRMS[0] + 1, 2):
        raise LimitError(f"{link.name}: a headroom of {headroom_db} dB; allowed: steps of 2 dB from 0")
    for command in ("AVER OFF", "VOLT1:RANG:AUTO ON"):
        link.set_checked(command)
    try:
        found = _resting_range(link, should_stop)
    finally:
        link.send("VOLT1:RANG:AUTO OFF")
    if found not in RANGES_DBVRMS:
        raise InstrumentError(f"{link.name}: a range of {found} dBVrms, which it does not have")
    return min(found + headroom_db, RANGES_DBVRMS[-1])


def _resting_range(link: Link, should_stop: Callable[[], bool] | None) -> int:
    ranges: list[int] = []
    while len(ranges) < MOST_RECORDS:
        if should_stop is not None and should_stop():
            raise StoppedByUser(f"{link.name}: stopped while the range was looked for")
        link.set_checked("ABOR;:INIT")
        link.ask("*OPC?", parse_whole, RECORD_TIMEOUT_S)
        ranges.append(round(link.ask("VOLT1:RANG?", parse_number)))
        if len(ranges) >= SAME and len(set(ranges[-SAME:])) == 1:
            return ranges[-1]
    raise InstrumentError(f"{link.name}: the input range does not come to rest: {ranges[-SAME:]} dBVrms")
