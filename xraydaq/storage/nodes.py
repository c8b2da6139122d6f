"""Small pieces of a NeXus file: groups, texts, columns, tables, notes. Only for files nobody else reads yet."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from xraydaq.storage.arrays import FloatArray
from xraydaq.storage.hdf5 import h5py
from xraydaq.storage.model import Event

CHUNK_ROWS = 8192
PACKED = {"shuffle": True, "compression": "gzip", "compression_opts": 4}


def group(parent: Any, name: str, nx_class: str, **attributes: object) -> Any:
    """Create a group of a NeXus class."""
    created = parent.create_group(name)
    created.attrs["NX_class"] = nx_class
    for key, value in attributes.items():
        created.attrs[key] = value
    return created


def clean(text: str) -> str:
    """Replace what HDF5 texts cannot hold: NUL and lone surrogates."""
    return text.encode(errors="backslashreplace").decode().replace("\0", "\\x00")


def text(parent: Any, name: str, value: str, **attributes: str) -> None:
    """Create a text with attributes."""
    parent[name] = clean(value)
    for key, attribute in attributes.items():
        parent[name].attrs[key] = clean(attribute)


def number(parent: Any, name: str, value: float, unit: str, uncertainty: float | None = None) -> None:
    """Create a scalar with its unit and, if given, its standard uncertainty."""
    parent[name] = value
    parent[name].attrs["units"] = unit
    if uncertainty is not None:
        parent[name].attrs["uncertainty"] = uncertainty


def array(parent: Any, name: str, values: FloatArray, **attributes: object) -> Any:
    """Create a chunked, packed dataset; an empty one, a scalar or texts are stored plainly."""
    if values.size == 0 or values.ndim == 0:
        created = parent.create_dataset(name, data=values)
        for key, value in attributes.items():
            created.attrs[key] = value
        return created
    created = unfilled(parent, name, values.shape, values.dtype, **attributes)
    created[...] = values
    return created


def unfilled(parent: Any, name: str, shape: tuple[int, ...], dtype: Any, **attributes: object) -> Any:
    """Create a chunked, packed dataset whose values come later, in pieces."""
    dtype = np.dtype(dtype)
    if 0 in shape:
        created = parent.create_dataset(name, shape, dtype)
    else:
        chunks = (min(shape[0], CHUNK_ROWS), *shape[1:])
        fill = np.nan if dtype.kind == "f" else None
        created = parent.create_dataset(name, shape, dtype, chunks=chunks, fillvalue=fill, **PACKED)
    for key, value in attributes.items():
        created.attrs[key] = value
    return created


def words(parent: Any, name: str, values: Iterable[str]) -> None:
    """Create a list of texts."""
    parent.create_dataset(name, data=[clean(value) for value in values], dtype=h5py.string_dtype())


def note(parent: Any, name: str, content: str, *, media_type: str, file_name: str = "") -> None:
    """Create an NXnote with the verbatim text and its SHA-256."""
    created = group(parent, name, "NXnote")
    text(created, "type", media_type)
    if file_name:
        text(created, "file_name", file_name)
    text(created, "data", content)
    text(created, "sha256", hashlib.sha256(content.encode(errors="backslashreplace")).hexdigest())


def json_note(parent: Any, name: str, value: object) -> None:
    """Create an NXnote that holds a value as JSON."""
    note(parent, name, json.dumps(value), media_type="application/json")


def facts(parent: Any, name: str, value: object) -> None:
    """Create whatever shows `value` best: a text, a list of texts, pairs (command, reply), else JSON.

    This is for people: a name that is taken is left out, and the whole is also stored as JSON.
    """
    name = clean(name).replace("/", "|")
    if name in parent:
        return
    if isinstance(value, str):
        text(parent, name, value)
    elif isinstance(value, Mapping):
        pairs = [[clean(str(key)), clean(str(entry))] for key, entry in value.items()]
        parent.create_dataset(name, data=np.array(pairs, object).reshape(-1, 2), dtype=h5py.string_dtype())
    elif isinstance(value, list | tuple):
        words(parent, name, map(str, value))
    else:
        text(parent, name, json.dumps(value))


def event_table(events: Iterable[Event]) -> FloatArray:
    """Get events as records; texts are as long as the longest needs, so that none is cut."""
    events = list(events)
    kinds = [("severity", 16), ("source", 32), ("kind", 32), ("message", 256)]
    texts = {name: [clean(getattr(event, name)).encode() for event in events] for name, _ in kinds}
    sizes = [(name, max([least, *map(len, texts[name])])) for name, least in kinds]
    dtype = np.dtype([("elapsed", "f8"), ("epoch", "f8"), ("row", "i8"), *((n, f"S{size}") for n, size in sizes)])
    records = [
        (event.elapsed_s, event.epoch_s, event.row, *entries)
        for event, *entries in zip(events, *texts.values(), strict=True)
    ]
    return np.array(records, dtype)


def events_from(table: FloatArray) -> tuple[Event, ...]:
    """Read events back."""
    return tuple(
        Event(
            kind=record["kind"].decode(),
            message=record["message"].decode(),
            elapsed_s=float(record["elapsed"]),
            epoch_s=float(record["epoch"]),
            row=int(record["row"]),
            severity=record["severity"].decode(),
            source=record["source"].decode(),
        )
        for record in table
    )
