"""When a beam was right: from the guardian's word that it was armed to its word that it is over, or to the fault."""

from collections.abc import Iterable, Iterator

from xraydaq.soak.evidence import NEVER, Evidence, Happened
from xraydaq.soak.outputs import Event, Span

ARMED = "armed"
WITHDRAWN = ("trip", "heard", "ending", "end", "bug", "disarmed", "no tube")
EDGE_S = 0.02
"""The world of the bench goes on in steps of that: no moment in the log is sharper."""

INTERLOCK = ("interlock_open", "interlock_shorted")


def leases(evidence: Evidence) -> list[Span]:
    """Get when a lease was valid.

    It begins when the guardian's log says "armed". It ends at the first of: the guardian's log says that the beam is
    taken away (a trip, an emergency stop, a client that is gone, the end); a fault began that has to end the beam,
    plus `Happened.lease_s`. A later arming begins another lease, but nothing is valid after such a fault.
    """
    forced_s = min((each.time_s + each.lease_s for each in evidence.faults), default=NEVER)
    return [Span(each.start_s, min(each.end_s, forced_s)) for each in _armings(evidence.guardian)]


def _armings(guardian: Iterable[Event]) -> Iterator[Span]:
    since_s: float | None = None
    for each in guardian:
        if each["kind"] == ARMED and since_s is None:
            since_s = each["time_s"]
        elif _withdraws(each) and since_s is not None:
            yield Span(since_s, each["time_s"])
            since_s = None
    if since_s is not None:
        yield Span(since_s, NEVER)


def _withdraws(line: Event) -> bool:
    return line["kind"] in WITHDRAWN or bool(line.get("trip"))


def outside(lit: Iterable[Span], valid: list[Span], end_s: float) -> float:
    """Get how long the beam was on outside every lease, up to the end of the trial."""
    total_s = 0.0
    for span in lit:
        covered_s = sum(lease.within(span.start_s, min(span.end_s, end_s)) for lease in valid)
        total_s += span.within(span.start_s, end_s) - covered_s
    return max(0.0, total_s)


def interlock_open(faults: Iterable[Happened]) -> list[Span]:
    """Get when the interlock surely was not closed."""
    return [
        Span(each.time_s + EDGE_S, each.time_s + each.duration_s - EDGE_S)
        for each in faults
        if each.kind in INTERLOCK and each.duration_s > 4 * EDGE_S
    ]
