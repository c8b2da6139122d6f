"""What goes wrong in a trial and when: drawn from seed and number, the same for any number of benches."""

import random
from dataclasses import dataclass
from typing import Literal

Recipe = Literal["lit", "warm-up", "dark", "heated"]
Anchor = Literal["started", "row", "lit"]

ENDS_LEASE, TOLERATED = 0.0, float("inf")
DISK_S = 2.5
"""A full or lost disk may keep the beam for 5 s in all, twice as long as anything else: a row must meet it first."""

MUST_ACT_S = {
    "SIGSTOP": 1.0, "tube:garbage": 1.5, "tube:missing": 1.5,
    "smu:late": TOLERATED, "smu:garbage": TOLERATED, "sensor_open": TOLERATED,
}  # fmt: skip
"""Faults that end a beam only if they last so long: after less, nobody need have noticed."""

TWO_AT_ONCE = 0.15
MOST_APART_S = 0.5
ANCHORED_AT_START = 0.12


@dataclass(frozen=True)
class Kind:
    """A fault that can be drawn. `durations_s` are the ranges, one of which is drawn first."""

    name: str
    weight: int
    recipes: tuple[Recipe, ...]
    durations_s: tuple[tuple[float, float], ...] = ((0.0, 0.0),)


BEAM: tuple[Recipe, ...] = ("lit", "warm-up")
ALL: tuple[Recipe, ...] = ("lit", "warm-up", "dark", "heated")
ROWS: tuple[Recipe, ...] = ("lit", "dark")
STOPPED_S = ((0.2, 0.8), (3.5, 6.0))
"""Shorter than any patience, or longer than any: what comes of the time between is not defined."""

LINE_S = ((0.1, 4.0),)
PULLED_S = ((3.0, 8.0),)
WORLD_S = ((1.5, 4.0),)

KINDS = (
    Kind("runner SIGKILL", 4, ALL),
    Kind("runner SIGTERM", 3, ALL),
    Kind("runner SIGINT", 2, ALL),
    Kind("runner SIGHUP", 1, ALL),
    Kind("runner SIGSTOP", 3, ALL, STOPPED_S),
    Kind("guardian SIGKILL", 4, ALL),
    Kind("guardian SIGTERM", 2, BEAM),
    Kind("guardian SIGINT", 1, BEAM),
    Kind("guardian SIGSTOP", 3, BEAM, STOPPED_S),
    Kind("xraydaq off", 3, ALL),
    Kind("tube:unplugged", 3, BEAM, PULLED_S),
    Kind("tube:garbage", 3, BEAM, LINE_S),
    Kind("tube:missing", 3, BEAM, LINE_S),
    Kind("smu:unplugged", 3, ALL, PULLED_S),
    Kind("smu:late", 2, ALL, LINE_S),
    Kind("smu:garbage", 2, ALL, LINE_S),
    Kind("interlock_open", 3, BEAM, WORLD_S),
    Kind("interlock_shorted", 2, BEAM, WORLD_S),
    Kind("over_temperature", 2, BEAM, WORLD_S),
    Kind("disk full", 3, ROWS),
    Kind("folder gone", 3, ROWS),
    Kind("sensor_open", 3, ("heated",), WORLD_S),
)
NEEDS_A_FOLDER = ("disk full", "folder gone")


@dataclass(frozen=True)
class Fault:
    """One fault; `after_s` counts from the anchor of its trial."""

    kind: str
    duration_s: float
    after_s: float

    def lease_s(self, recipe: Recipe, *, is_lit: bool, is_guarded: bool) -> float:
        """Get for how long after its beginning a beam may still be right, whatever the guardian says.

        What kills or stops a process ends the beam now and later. What happens to instruments and disks ends one that
        is on; one that is off may be switched on when they are right again.
        """
        target, _, what = self.kind.partition(" ")
        if target in ("runner", "guardian") and what != "SIGSTOP":
            return ENDS_LEASE
        if self.kind == "xraydaq off":
            return ENDS_LEASE if is_guarded else TOLERATED  # before that there is nobody to be told
        if self.kind in NEEDS_A_FOLDER:
            return DISK_S if is_lit and recipe == "lit" else TOLERATED  # without rows nothing meets the disk
        if self.kind == "smu:unplugged" and recipe != "lit":
            return TOLERATED  # nobody asks it
        return ENDS_LEASE if is_lit and self.duration_s >= MUST_ACT_S.get(what or self.kind, 0.0) else TOLERATED


@dataclass(frozen=True)
class Trial:
    """One run and what happens to it."""

    number: int
    recipe: Recipe
    anchor: Anchor
    faults: tuple[Fault, ...]


def drawn(seed: int, number: int) -> Trial:
    """Draw trial `number`, counted from 1."""
    rng = random.Random(f"soak {seed} {number}")
    recipe: Recipe = rng.choices(ALL, weights=(9, 5, 4, 2))[0]
    kinds = [kind for kind in KINDS if recipe in kind.recipes]
    first = _chosen(rng, kinds)
    chosen = [first]
    if rng.random() < TWO_AT_ONCE:
        chosen.append(_chosen(rng, [kind for kind in kinds if kind is not first]))
    can_start = not any(kind.name in NEEDS_A_FOLDER for kind in chosen)
    at_start = rng.random() < ANCHORED_AT_START and can_start
    anchor: Anchor = "started" if at_start else "lit" if recipe in BEAM else "row"
    at_s = rng.uniform(0.0, 4.0 if anchor != "lit" or recipe == "lit" else 3.0)
    faults = []
    for kind in chosen:
        low_s, high_s = rng.choice(kind.durations_s)
        faults.append(Fault(kind.name, round(rng.uniform(low_s, high_s), 3), round(at_s, 3)))
        at_s += rng.uniform(0.0, MOST_APART_S)
    return Trial(number, recipe, anchor, tuple(faults))


def _chosen(rng: random.Random, kinds: list[Kind]) -> Kind:
    return rng.choices(kinds, weights=[kind.weight for kind in kinds])[0]
