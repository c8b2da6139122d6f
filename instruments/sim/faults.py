"""Faults of a line: what becomes of single replies on their way to the host."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from instruments.sim.device import Reply
from xraydaq.errors import ConfigError

NAMES = ("cut", "doubled", "late", "garbage", "missing")
LATE_S = 4.0
"""A late reply comes after the timeout of its question; those behind it wait for it."""

_TEXT = re.compile(r"(?P<name>[a-z]+)@(?P<first>[1-9]\d*)(-(?P<last>[1-9]\d*))?")


@dataclass(frozen=True)
class Fault:
    """What happens to the replies number `first` to `last`, counted from 1."""

    name: str
    first: int
    last: int

    def holds(self, number: int, _ready_s: float) -> bool:
        """Tell whether reply `number` is hit."""
        return self.first <= number <= self.last


@dataclass(frozen=True)
class TimedFault:
    """What happens to the replies that are ready from `start_s` to `end_s` of the bench clock."""

    name: str
    start_s: float
    end_s: float

    def holds(self, _number: int, ready_s: float) -> bool:
        """Tell whether a reply that is ready at `ready_s` is hit."""
        return self.start_s <= ready_s < self.end_s


def parse_faults(texts: Iterable[str]) -> tuple[Fault, ...]:
    """Read ``cut@100`` (the 100th reply) or ``missing@100-102``.

    Raises:
        ConfigError: with one line for every text that is not a fault.
    """
    found, problems = [], []
    for text in texts:
        match = _TEXT.fullmatch(text)
        if match is None or match["name"] not in NAMES:
            problems.append(f'--fault: "{text}" given; allowed: {", ".join(NAMES)} with @ and the number of a reply, '
                            'for example "cut@100" or "missing@100-102"')  # fmt: skip
            continue
        first = int(match["first"])
        last = int(match["last"] or first)
        if last < first:
            problems.append(f'--fault: "{text}": the last reply comes before the first')
            continue
        found.append(Fault(match["name"], first, last))
    if problems:
        raise ConfigError(*problems)
    return tuple(found)


class FaultyLine:
    """Counts replies and spoils those that a fault holds for."""

    def __init__(self, faults: Sequence[Fault | TimedFault], terminator: bytes, seed: int) -> None:
        self._faults = list(faults)
        self._terminator = terminator
        self._rng = np.random.default_rng([seed, 1])
        self.count = 0

    def add(self, fault: Fault | TimedFault) -> None:
        """Have one more fault."""
        self._faults.append(fault)

    def carry(self, reply: Reply) -> list[Reply]:
        """Get what reaches the host of one reply."""
        self.count += 1
        for fault in self._faults:
            if fault.holds(self.count, reply.ready_s):
                return self._spoil(fault.name, reply)
        return [reply]

    def _spoil(self, name: str, reply: Reply) -> list[Reply]:
        if name == "missing":
            return []
        if name == "doubled":
            return [reply, reply]
        if name == "late":
            return [Reply(reply.data, reply.ready_s + LATE_S, held_back=True)]
        body = reply.data.removesuffix(self._terminator)
        if name == "cut":
            return [Reply(body[: len(body) // 2] + self._terminator, reply.ready_s)]
        noise = self._rng.integers(0, 256, max(len(body), 1), dtype=np.uint8).tobytes()
        if self._terminator:
            noise = noise.replace(self._terminator, b"?") + self._terminator
        return [Reply(noise, reply.ready_s)]
