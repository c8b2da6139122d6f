"""Going on with a run that was cut off: a new run that begins with what the earlier one has, and says so.

The earlier run is not touched. Its rows stand first in the new one; those after its last checkpoint are marked: the
part of the plan that they belong to is done again. Time goes on from the wall clock, so that the gap stays visible.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from procedures.base import CHECKPOINT
from xraydaq.clock import Clock
from xraydaq.config import RunConfig
from xraydaq.errors import BusyError, Refused
from xraydaq.storage import STATUS_FLAGS, Column, RunWriter, StoredRun, read_run
from xraydaq.storage.spill import spills_of

SEGMENT = "segment"
"""Kind of the event that begins a further segment."""

OLDEST_S = 24 * 3600.0
COMPARED = ("recipe", "sample", "bench", "calibration")
"""What must be as it was, besides the limits. Of a recipe its parameters count; title and description may change."""

NOT_COMPARED = ("recipe.title", "recipe.description", "recipe.sample", "recipe.bench", "recipe.calibration")
MOST_SHOWN = 8


@dataclass(frozen=True)
class Earlier:
    """The run to go on with, and what of it counts."""

    stored: StoredRun
    done: frozenset[str]
    kept_rows: int
    """Rows up to the last checkpoint."""

    elapsed_s: float
    """Of the run, at the moment of resuming."""


def earlier_run(
    path: Path, config: RunConfig, clock: Clock, *, columns: tuple[Column, ...], seed: int | None
) -> Earlier:  # fmt: skip
    """Read the run that is to be resumed and see that it may be; `seed` is that of a simulated bench, else None.

    Raises:
        BusyError: it is still running.
        Refused: it is complete, too old, has passed no checkpoint, or something is not as it was: every difference
            is named.
    """
    stored = read_run(path)
    folder = stored.path.parent.name
    if stored.state == "running":
        raise BusyError(f"{folder}: still running")
    if spills_of(stored.path.parent):
        raise Refused(f"{folder}: rows of it wait in a spill; first: xraydaq recover {stored.path.parent}")
    if stored.complete:
        raise Refused(f"{folder}: complete; there is nothing to resume")
    checkpoints = [event for event in stored.events if event.kind == CHECKPOINT]
    if not checkpoints:
        raise Refused(f"{folder}: it passed no checkpoint; run it anew")
    found = differences(stored.header.resolved, config.resolved())
    if stored.header.columns != columns:
        found.append("the columns were others: the run is of another version of the program")
    if seed is not None and stored.header.seed != seed:
        found.append(f"seed was {stored.header.seed}, is {seed}")
    if found:
        more = f"; and {len(found) - MOST_SHOWN} more" if len(found) > MOST_SHOWN else ""
        raise Refused(f"{folder}: not as it was: {'; '.join(found[:MOST_SHOWN])}{more}")
    last_s = max([event.elapsed_s for event in stored.events] + stored.columns["elapsed"][-1:].tolist())
    elapsed_s = max(clock.utc() - stored.header.start_utc_s, last_s)
    if not elapsed_s - last_s <= OLDEST_S:
        raise Refused(f"{folder}: it ended {(elapsed_s - last_s) / 3600:.0f} h ago; at most {OLDEST_S / 3600:g} h")
    return Earlier(stored, frozenset(event.message for event in checkpoints), checkpoints[-1].row, elapsed_s)


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Name everything that is not as it was: ``recipe.parameters.bias_v was 5.0, is 6.0``."""
    old, new = (_flat({key: each.get(key) for key in COMPARED} | _limits(each)) for each in (before, now))
    keys = [key for key in dict.fromkeys((*old, *new)) if not key.startswith(NOT_COMPARED)]
    return [f"{key} was {old.get(key)}, is {new.get(key)}" for key in keys if old.get(key) != new.get(key)]


def adopt(writer: RunWriter, earlier: Earlier) -> None:
    """Begin a new run with the rows, events and spectra of the earlier one, and the mark of a new segment.

    Raises:
        StorageError: it could not be written.
    """
    stored = earlier.stored
    names = [column.name for column in stored.header.columns]
    status = names.index("status") if "status" in names else None
    columns = [stored.columns[name].tolist() for name in names]
    events = [event for event in stored.events if event.kind != "traceback"]
    for number, values in enumerate(zip(*columns, strict=True)):
        while events and events[0].row <= number:
            _repeat(writer, events.pop(0))
        row = list(values)
        if number >= earlier.kept_rows and status is not None:
            row[status] = int(row[status]) | STATUS_FLAGS["abandoned"]
        writer.append(row)
    for event in events:
        _repeat(writer, event)
    for block in stored.blocks:
        writer.block(block.name, block.header, block.values)
    message = f"resumed {stored.path.parent.name}: {stored.state}{': ' + stored.reason if stored.reason else ''}"
    writer.event(SEGMENT, message, elapsed_s=earlier.elapsed_s, severity="warning")


def _limits(resolved: Mapping[str, Any]) -> dict[str, Any]:
    """Get the limits by their quantity: where a limit is written may change, how large it is may not."""
    return {f"limit of {limit['quantity']}": limit["value"] for limit in resolved.get("limits") or ()}


def _repeat(writer: RunWriter, event: Any) -> None:
    writer.event(
        event.kind, event.message, elapsed_s=event.elapsed_s, severity=event.severity, source=event.source
    )  # fmt: skip


def _flat(value: object, above: str = "") -> dict[str, object]:
    if isinstance(value, Mapping):
        pairs = ((f"{above}.{key}" if above else str(key), inner) for key, inner in value.items())
        return {name: leaf for key, inner in pairs for name, leaf in _flat(inner, key).items()}
    if isinstance(value, list | tuple):
        return {above: list(value)} if not any(isinstance(each, Mapping) for each in value) else {
            name: leaf for index, inner in enumerate(value) for name, leaf in _flat(inner, f"{above}[{index}]").items()
        }  # fmt: skip
    return {above: value}
