"""What `xraydaq off` switches off: the instruments of sessions, or of a bench file read as leniently as possible.

Standard library only; of a file that is no valid TOML every line that can be understood still counts.
"""

import re
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from xraydaq.safety.locks import one_name
from xraydaq.safety.sessions import Owned, Session

TUBE, SMU = "tube", "smu"
DRIVERS = {TUBE: "minix2", SMU: "keithley2400"}
SIMULATED = "SIM::"
FRAME = re.compile(r"[5-8][NOE][12]")
_HEADER = re.compile(r"""\s*\[\s*roles\s*\.\s*["']?(\w+)["']?\s*\]?""")
_ENTRY = re.compile(r"""\s*(resource|driver|baud|frame)\s*=\s*["']?([^"'#]+)""")


@dataclass(frozen=True)
class Target:
    """An instrument to switch off, and the session it belongs to, if any."""

    owned: Owned
    session: Session | None = None

    @property
    def is_tube(self) -> bool:
        """Get whether it makes X-rays."""
        return self.owned.role == TUBE

    @property
    def is_simulated(self) -> bool:
        """Get whether it exists inside a process only: nothing can be written to it, and nothing comes out of it."""
        return self.owned.resource.upper().startswith(SIMULATED)


def of_sessions(found: list[Session]) -> list[Target]:
    """Get the tubes and sources of sessions, tubes first; a living session goes before a dead one."""
    targets: dict[str, Target] = {}
    for session in sorted(found, key=lambda each: each.alive):
        for owned in session.instruments:
            if owned.role in DRIVERS or owned.driver in DRIVERS.values():
                targets[_key(owned, session.pid)] = Target(_as_known(owned), session)
    return in_order(targets.values())


def of_bench(path: Path) -> tuple[list[Target], list[str]]:
    """Get tube and source of a bench file, and what is wrong with it."""
    problems = []
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        return [], [f"{path}: {error.strerror or error}"]
    try:
        roles = tomllib.loads(text).get("roles", {})
    except (tomllib.TOMLDecodeError, RecursionError, AttributeError) as error:
        problems.append(f"{path}: no valid file, read line by line: {error}")
        roles = _line_by_line(text)
    roles = roles if isinstance(roles, dict) else {}
    targets = [Target(owned) for name, role in roles.items() if (owned := _owned(name, role)) is not None]
    if not targets:
        problems.append(f"{path}: neither a tube nor a source is named in it")
    return in_order(targets), problems


def in_order(targets: Any) -> list[Target]:
    """Sort tubes to the front."""
    return sorted(targets, key=lambda each: not each.is_tube)


def _line_by_line(text: str) -> dict[str, dict[str, Any]]:
    roles: dict[str, dict[str, Any]] = {}
    role: dict[str, Any] = {}
    for line in text.splitlines():
        header, entry = _HEADER.match(line), _ENTRY.match(line)
        if header is not None:
            role = roles.setdefault(header[1], {})
        elif line.lstrip().startswith("["):
            role = {}
        elif entry is not None:
            role.setdefault(entry[1], entry[2].strip())
    return roles


def _owned(name: str, role: Any) -> Owned | None:
    if not isinstance(role, dict) or not isinstance(role.get("resource"), str):
        return None
    driver = str(role.get("driver") or DRIVERS.get(name, ""))
    if name not in DRIVERS and driver not in DRIVERS.values():
        return None
    baud = str(role.get("baud", ""))
    frame = str(role.get("frame", ""))
    return _as_known(
        Owned(
            name,
            driver,
            role["resource"].strip(),
            int(baud) if baud.isdecimal() and int(baud) else None,
            frame if FRAME.fullmatch(frame) else None,
        )
    )


def _as_known(owned: Owned) -> Owned:
    """Take the driver's word for what it is: a tube under another role's name is a tube."""
    kind = next((role for role, driver in DRIVERS.items() if driver == owned.driver), owned.role)
    return replace(owned, role=kind)


def _key(owned: Owned, pid: int) -> str:
    name = one_name(owned.resource)
    return f"{pid} {name}" if owned.resource.upper().startswith(SIMULATED) else name
