"""What goes wrong on a simulated bench, and when: ``tube:unplugged@30-60``, ``interlock_open@10``."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

from instruments.sim.faults import NAMES as LINE_FAULTS
from xraydaq.errors import ConfigError

UNPLUGGED = "unplugged"
CABLE_FAULTS = (*LINE_FAULTS, UNPLUGGED)
"""Of one instrument's line, written with the role in front."""

WORLD_FAULTS = {
    "interlock_open": "the lid of the enclosure opens",
    "interlock_shorted": "the interlock loop carries more current than a lamp takes",
    "over_temperature": "the tube controller's board is too hot",
    "compliance": "the crystal conducts a thousand times better",
    "overload": "a large offset current at the preamplifier",
    "sensor_open": "the stage's sensor is open",
    "dose_without_beam": "radiation at the chamber although the tube is off",
    "beam_without_dose": "something blocks the beam",
}
"""Of the world around the instruments, and what they are."""

NEEDS = {
    "interlock_open": "tube",
    "interlock_shorted": "tube",
    "over_temperature": "tube",
    "sensor_open": "temperature",
}
"""Faults of the world that happen at an instrument: name -> its role."""

_TEXT = re.compile(r"((?P<role>[a-z]+):)?(?P<name>[a-z_]+)@(t=)?(?P<start>\d+(\.\d+)?)(-(?P<end>\d+(\.\d+)?))?")


@dataclass(frozen=True)
class Happening:
    """One fault, in seconds since the bench began; `role` is "" for a fault of the world."""

    role: str
    name: str
    start_s: float
    end_s: float = math.inf


def parse_happenings(texts: Iterable[str], roles: Iterable[str], *, where: str = "--fault") -> tuple[Happening, ...]:
    """Read faults as they are written on a command line or, `where` says so, in a file.

    Raises:
        ConfigError: with one line for every text that is not a fault.
    """
    known = tuple(roles)
    found, problems = [], []
    for text in texts:
        match = _TEXT.fullmatch(text)
        happening = None if match is None else _happening(match)
        problem = _problem(happening, known)
        if happening is None or problem:
            problems.append(f'{where}: "{text}": {problem}')
        else:
            found.append(happening)
    if problems:
        raise ConfigError(*problems)
    return tuple(found)


def _happening(match: re.Match[str]) -> Happening:
    end_s = math.inf if match["end"] is None else float(match["end"])
    return Happening(match["role"] or "", match["name"], float(match["start"]), end_s)


def _problem(happening: Happening | None, roles: tuple[str, ...]) -> str:
    if happening is None:
        return 'write ROLE:NAME@START-END or NAME@START-END in seconds, for example "smu:late@10-12"'
    if not happening.end_s > happening.start_s:
        return "the end is not after the start"
    if not happening.role:
        known = ", ".join(WORLD_FAULTS)
        if happening.name not in WORLD_FAULTS:
            return f"no such fault of the world; allowed: {known}"
        needed = NEEDS.get(happening.name)
        return "" if needed is None or needed in roles else f"the bench has no role {needed}"
    if happening.role not in roles:
        return f"the bench has no role {happening.role}; allowed: {', '.join(roles)}"
    known = ", ".join(CABLE_FAULTS)
    return "" if happening.name in CABLE_FAULTS else f"no such fault of a line; allowed: {known}"
