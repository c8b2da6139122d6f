"""What the instruments of a bench answered, as lines and records."""

from collections.abc import Iterable
from datetime import date
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xraydaq.bench import Answer
    from xraydaq.bench.asking import Ping, Snapshot
    from xraydaq.bench.ports import Found
    from xraydaq.config import Role

NEVER_ANSWERS = "opened; this instrument cannot answer, nothing was sent"


def identity_lines(answer: "Answer", today: date) -> list[str]:
    """Say who answered, and whether it is whom the bench file names."""
    role, identity = answer.role, answer.identity
    rows = [("role", answer.name), ("driver", role.driver), ("resource", role.resource)]
    if identity is not None:
        rows += [
            ("maker", identity.manufacturer),
            ("model", _compared(identity.model, role.model)),
            ("serial", _compared(identity.serial, role.serial)),
            ("firmware", _compared(identity.firmware, role.firmware)),
        ]
    rows += [
        ("calibration", _calibration(role, today)),
        ("answer", "ok" if answer.error is None else f"MISSING OR WRONG: {answer.error}"),
    ]
    return [f"{label:11}  {text}" for label, text in rows]


def ping_lines(ping: "Ping") -> list[str]:
    """Say how many answers came and how fast, and every way in which one failed."""
    asked = len(ping.times_s) + len(ping.errors)
    is_only_opened = not ping.can_answer and not ping.errors
    text = NEVER_ANSWERS if is_only_opened else f"{len(ping.times_s)} of {asked} answered"
    if ping.times_s:
        times_ms = [1e3 * time_s for time_s in ping.times_s]
        text += f": {min(times_ms):.1f} ms at least, {median(times_ms):.1f} ms median, {max(times_ms):.1f} ms at most"
    different = dict.fromkeys(str(error) for error in ping.errors)
    return [f"{ping.name:12}  {text}", *(f"{'':12}  FAILED: {message}" for message in different)]


def snapshot_lines(snapshot: "Snapshot") -> list[str]:
    """Say how a role is set, in the words of its instrument."""
    role = snapshot.role
    heading = f"{snapshot.name} ({role.driver}, {role.resource})"
    if snapshot.settings is None:
        return [heading, f"  MISSING OR WRONG: {snapshot.error}"]
    width = max(map(len, snapshot.settings), default=0)
    return [heading, *(f"  {key:{width}}  {value}" for key, value in snapshot.settings.items())]


def snapshot_record(snapshot: "Snapshot") -> dict[str, object]:
    """Get a snapshot as a run stores it, and what else says where it comes from."""
    from xraydaq.bench import identification

    return {
        "driver": snapshot.role.driver,
        "resource": snapshot.role.resource,
        "idn": None if snapshot.identity is None else identification(snapshot.identity),
        "settings": snapshot.settings,
        "error": None if snapshot.error is None else str(snapshot.error),
    }


def found_lines(found: Iterable["Found"], named: dict[str, str]) -> list[str]:
    """Say what is plugged in; `named` are the roles that a bench file gives to resources."""
    rows = [
        (
            each.kind,
            each.resource,
            f"role {named[each.resource]}" if each.resource in named else each.guess,
            each.description,
        )
        for each in found
    ]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    return [
        "  ".join((*(f"{text:{width}}" for text, width in zip(row[:3], widths, strict=True)), row[3])).rstrip()
        for row in rows
    ]


def _compared(found: str, wanted: str | None) -> str:
    return f"{found} (the bench file does not say)" if wanted is None else f"{found} (bench file: {wanted})"


def _calibration(role: "Role", today: date) -> str:
    if role.simulated:
        return "simulated"
    if role.calibration_due is None:
        return "due date not stated in the bench file"
    word = "OVERDUE since" if role.calibration_due < today else "due on"
    return f"{word} {role.calibration_due.isoformat()}"
