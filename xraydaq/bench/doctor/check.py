"""What a check is: a question with a verdict, and what to do when the verdict is bad."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from xraydaq.errors import InstrumentError, XraydaqError

Verdict = Literal["PASS", "FAIL", "SKIP"]

LOST = "Check that the instrument is on and its cable is in at both ends, and look at the address in the bench file."


@dataclass(frozen=True)
class Check:
    """One question that was asked of a role; `fix` is one sentence, and empty unless it failed."""

    role: str
    name: str
    verdict: Verdict
    text: str
    fix: str = ""


@dataclass(frozen=True)
class Finding:
    """What was seen, and whether it is good; None when it could not be looked at."""

    good: bool | None
    text: str


@dataclass(frozen=True)
class Probe:
    """A question, how to look, and what helps when the answer is bad."""

    name: str
    look: Callable[[], Finding]
    fix: str


class Exam(Protocol):
    """The questions to one instrument. After the last one, or a failure, `leave` leaves it safe."""

    def probes(self) -> Sequence[Probe]:
        """Get the questions in the order they are asked."""

    def leave(self) -> None:
        """Leave the instrument safe, and show it.

        Raises:
            InstrumentError: it cannot be shown.
        """


def judge(role: str, probe: Probe) -> tuple[Check, bool]:
    """Ask one question; also tells whether the instrument still answers."""
    try:
        finding = probe.look()
    except XraydaqError as error:
        is_lost = isinstance(error, InstrumentError)
        return Check(role, probe.name, "FAIL", str(error), LOST if is_lost else probe.fix), not is_lost
    if finding.good is None:
        return Check(role, probe.name, "SKIP", finding.text), True
    verdict: Verdict = "PASS" if finding.good else "FAIL"
    return Check(role, probe.name, verdict, finding.text, "" if finding.good else probe.fix), True


def judge_all(role: str, probes: Sequence[Probe]) -> Iterator[Check]:
    """Ask one question after the other, until the instrument fails to answer: what comes after would fail alike."""
    for probe in probes:
        check, answers = judge(role, probe)
        yield check
        if not answers:
            return
