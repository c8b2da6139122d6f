"""Judges a trial: pure, from its evidence alone. The definitions are those of docs/how-to/soak.md."""

from collections.abc import Iterator

from xraydaq.soak.evidence import NEVER, Evidence, Findings
from xraydaq.soak.leases import interlock_open, leases, outside
from xraydaq.soak.outputs import Span, beam_spans, heater_spans, source_spans

OUTSIDE_PER_FAULT_S = 2.5
SAFE_AFTER_S = 1.0
"""A row that was acknowledged so long before the end of its run may not be lost."""

LEFT_ON_S = 10.0
ARMED_LATE_S = 0.1
"""Clocks of the log and of the guardian are one; their lines are written one after the other."""

TOLD_WITHIN_S = 2.0
"""A trip reaches the run with its next look, which is due in half a second, or after a reading that hangs."""

GOOD = ("finished", "stopped")


def judged(evidence: Evidence) -> Findings:
    """Find everything that must not be."""
    lit = beam_spans(evidence.log)
    valid = leases(evidence)
    outside_s = outside(lit, valid, evidence.end_s)
    stored = evidence.stored
    return Findings(
        faults=tuple(each.kind for each in evidence.faults),
        lit_s=sum(span.within(evidence.begin_s, evidence.end_s) for span in lit),
        outside_s=outside_s,
        unsafe=tuple(_unsafe(evidence, lit, valid, outside_s)),
        lost=tuple(_lost(evidence)),
        unreadable=() if stored is None else stored.problems,
        dishonest=tuple(_dishonest(evidence)),
        left_on=tuple(_left_on(evidence)),
        locked=tuple(f"{each} is still locked" for each in evidence.locked),
        hung=tuple(f"{each} did not end" for each in evidence.hung),
        state="" if stored is None else stored.state,
        rows=0 if stored is None else stored.rows,
    )


def _unsafe(evidence: Evidence, lit: list[Span], valid: list[Span], outside_s: float) -> Iterator[str]:
    allowed_s = OUTSIDE_PER_FAULT_S * max(1, len(evidence.faults))
    if not outside_s <= allowed_s:
        yield f"X-rays for {outside_s:.2f} s outside a valid lease; allowed: {allowed_s:g} s"
    not_closed = interlock_open(evidence.faults)
    for span in lit:
        if not any(lease.start_s - ARMED_LATE_S <= span.start_s < lease.end_s for lease in valid):
            yield f"X-rays were switched on at {span.start_s:.2f} s without arming or lease"
        if any(each.start_s <= span.start_s < each.end_s for each in not_closed):
            yield f"X-rays were switched on at {span.start_s:.2f} s with the interlock not closed"
    if any(span.end_s > evidence.end_s for span in lit):
        yield "X-rays are on after the end of the trial"


def _lost(evidence: Evidence) -> Iterator[str]:
    ended_s = min(evidence.killed_s, evidence.processes_ended_s)
    counted = [each for each in evidence.acknowledged if each.time_s <= ended_s - SAFE_AFTER_S]
    if not counted:
        return
    last = max(counted, key=lambda each: each.rows)
    if last.rows == 0:
        return
    stored = evidence.stored
    if stored is None:
        yield f"{last.rows} acknowledged rows and no run"
    elif stored.rows < last.rows:
        yield f"{last.rows - stored.rows} of {last.rows} acknowledged rows are not in the file"
    elif last.elapsed_s not in stored.elapsed_s[last.rows - 1 : last.rows + 1]:
        yield f"row {last.rows} is not the one that was acknowledged"


def _dishonest(evidence: Evidence) -> Iterator[str]:
    """Find states that are better than the truth: finished is better than stopped, and that than all others."""
    stored = evidence.stored
    if stored is None:
        if evidence.exit_code == 0:
            yield "exit code 0 and no run"
        return
    if evidence.exit_code == 0 and stored.state != "finished":
        yield f"exit code 0, and the run is {stored.state}"
    if stored.state == "running":
        yield "the run is said to be running after everything has ended"
    if stored.state not in GOOD:
        return
    if stored.state == "finished" and stored.rows < evidence.planned_rows:
        yield f"finished with {stored.rows} of {evidence.planned_rows} rows"
    if stored.state == "stopped" and evidence.stop_asked_s == NEVER:
        yield "stopped, and nobody asked for it"
    tripped_s = min((each["time_s"] for each in evidence.guardian if each.get("trip")), default=NEVER)
    if tripped_s < min(evidence.stop_asked_s, evidence.processes_ended_s) - TOLD_WITHIN_S:
        yield f"{stored.state} although the guardian had tripped before anybody asked it to stop"


def _left_on(evidence: Evidence) -> Iterator[str]:
    since_s = evidence.processes_ended_s if evidence.reachable_s is None else evidence.reachable_s
    for name, spans in (("output of the source", source_spans), ("heater", heater_spans)):
        on = spans(evidence.log)
        if on and on[-1].end_s - since_s > LEFT_ON_S:
            how_long = (
                "and still is" if on[-1].end_s == NEVER else f"until {on[-1].end_s - since_s:.1f} s after the end"
            )
            yield f"the {name} was left on {how_long}"
