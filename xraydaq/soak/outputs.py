"""What was on and when, by the simulators' log: the beam, the source's output, the heater."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

Event = dict[str, Any]

OUTPUT = re.compile(r":?OUTP(?:UT)?(?::STAT(?:E)?)? (?P<state>ON|OFF|1|0)\b", re.IGNORECASE)
RESET = re.compile(r"\*RST\b", re.IGNORECASE)
HEATER = re.compile(r"RANGE (?P<output>[12]),(?P<range>[0-3])")
RAMP = "ramp"


@dataclass(frozen=True)
class Span:
    """Something was on from `start_s` to `end_s`, which is infinite where the log ends with it."""

    start_s: float
    end_s: float

    def within(self, start_s: float, end_s: float) -> float:
        """Get how much of it lies between two moments."""
        return max(0.0, min(self.end_s, end_s) - max(self.start_s, start_s))


def beam_spans(log: Iterable[Event]) -> list[Span]:
    """Get when the tube gave X-rays."""
    return _spans(
        (each["time_s"], each["kind"] == "beam on")
        for each in log
        if each["role"] == "tube" and each["kind"] in ("beam on", "beam off")
    )


def source_spans(log: Iterable[Event]) -> list[Span]:
    """Get when the source's output was on, by the messages that it received."""
    return _spans(_changes(log, source_after))


def heater_spans(log: Iterable[Event]) -> list[Span]:
    """Get when a heater was on, by the messages that the controller received."""
    return _spans(_changes(log, heater_after))


def source_after(event: Event, is_on: bool) -> bool:
    """Get whether the source's output is on after an event of the log, by what it was before."""
    if event["role"] == "smu" and event["kind"] == "received":
        for part in event["text"].split(";"):
            found = OUTPUT.search(part)
            if found is not None:
                is_on = found["state"].upper() in ("ON", "1")
            elif RESET.search(part):
                is_on = False
    return is_on


def heater_after(event: Event, is_on: bool) -> bool:
    """Get the same of the heaters; a run of a soak has one, and what switches off does so with both."""
    if event["role"] == "temperature" and event["kind"] == "received":
        for found in HEATER.finditer(event["text"]):
            is_on = found["range"] != "0"
    return is_on


def _changes(log: Iterable[Event], after: Callable[[Event, bool], bool]) -> Iterator[tuple[float, bool]]:
    is_on = False
    for each in log:
        is_on = after(each, is_on)
        yield each["time_s"], is_on


def _spans(changes: Iterable[tuple[float, bool]]) -> list[Span]:
    spans: list[Span] = []
    since_s: float | None = None
    for time_s, is_on in changes:
        if is_on and since_s is None:
            since_s = time_s
        elif not is_on and since_s is not None:
            spans.append(Span(since_s, time_s))
            since_s = None
    return spans if since_s is None else [*spans, Span(since_s, float("inf"))]
