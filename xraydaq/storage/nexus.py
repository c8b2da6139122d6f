"""The result file's tree (NeXus): from what a journal holds to groups and datasets.

The same journal always gives the same content: nothing here asks for the time or a random number.
"""

import re
import uuid
from typing import Any

import numpy as np

from xraydaq import __version__
from xraydaq.storage import nodes
from xraydaq.storage.arrays import FloatArray
from xraydaq.storage.contents import Contents
from xraydaq.storage.hdf5 import h5py
from xraydaq.storage.model import Column, Header, iso_utc
from xraydaq.storage.rereading import JournalReader

LAYOUT_VERSION = "1"
NEXUS_RELEASE = "2024.02"
DEFINITION_URL = "https://manual.nexusformat.org/classes/applications/{}.html"
SET_BY_US = ("voltage", "temperature_set", "tube_current", "tube_voltage")
"""Columns the bench controls; the other sensors only measure."""


def write_tree(root: Any, journal: JournalReader, state: str, reason: str) -> None:
    """Fill an empty file. `state` is what the run is known to be, `reason` why it is not more."""
    contents = journal.contents
    header = contents.known_header()
    root.attrs.update(
        {
            "NX_class": "NXroot", "default": "entry", "creator": "xraydaq", "creator_version": __version__,
            "NeXus_release": NEXUS_RELEASE, "layout_version": LAYOUT_VERSION,
        }
    )  # fmt: skip
    entry = nodes.group(root, "entry", "NXentry", default="data")
    end_utc_s = header.start_utc_s + _last_elapsed_s(journal)
    _entry(entry, contents, end_utc_s)
    _acquisition(entry, header)
    _sample(entry, header)
    clock = _data(entry, header, journal)
    _instrument(entry, contents)
    daq = nodes.group(entry, "daq", "NXcollection")
    daq["state"] = np.bytes_(state)
    nodes.text(daq, "reason", reason)
    daq["end_time"] = np.bytes_(iso_utc(end_utc_s))
    _history(daq, contents)
    if clock is not None:
        clock.write(daq)
    _provenance(daq, contents)
    nodes.group(entry, "analysis", "NXcollection")


def _entry(entry: Any, contents: Contents, end_utc_s: float) -> None:
    header = contents.known_header()
    url = DEFINITION_URL.format(header.definition)
    nodes.text(entry, "definition", header.definition, version=NEXUS_RELEASE, URL=url)
    nodes.text(entry, "title", header.title)
    nodes.text(entry, "start_time", iso_utc(header.start_utc_s))
    nodes.text(entry, "end_time", iso_utc(end_utc_s))
    nodes.text(entry, "entry_identifier", header.run_id)
    nodes.text(entry, "entry_identifier_uuid", str(uuid.uuid5(uuid.NAMESPACE_URL, contents.head.decode())))
    simulated = ", simulated: not a measurement" if header.simulated else ""
    nodes.text(entry, "experiment_description", f"{header.procedure.replace('_', ' ')}{simulated}")
    user = nodes.group(entry, "user", "NXuser")
    nodes.text(user, "name", str(header.host.get("operator") or header.host.get("user") or "unknown"))


def _acquisition(entry: Any, header: Header) -> None:
    process = nodes.group(entry, "acquisition", "NXprocess")
    version = str(header.software.get("version", __version__))
    nodes.text(process, "program", "xraydaq", version=version)
    nodes.text(process, "version", version)
    nodes.text(process, "date", iso_utc(header.start_utc_s))
    for index, (name, content) in enumerate(header.config_texts.items(), start=1):
        nodes.note(process, f"config_{index}", content, media_type="application/toml", file_name=name)
    nodes.json_note(process, "resolved", header.resolved)
    nodes.json_note(process, "origins", header.origins)


def _sample(entry: Any, header: Header) -> None:
    sample, facts = nodes.group(entry, "sample", "NXsample"), header.sample
    nodes.text(sample, "name", str(facts.get("name", "unnamed")))
    formula = facts.get("chemical_formula")
    if formula:
        nodes.text(sample, "chemical_formula", formula)
        nodes.text(sample, "atom_types", ", ".join(dict.fromkeys(re.findall(r"[A-Z][a-z]?", formula))))
    if facts.get("treatment") or facts.get("note"):
        nodes.text(sample, "description", "; ".join(str(facts[k]) for k in ("treatment", "note") if facts.get(k)))
    for name, key, unit in (("thickness", "thickness", "m"), ("electrode_area", "area", "m^2"), ("gap", "gap", "m")):
        value = facts.get(f"{key}_{'m2' if unit == 'm^2' else 'm'}")
        if value is not None:
            nodes.number(sample, name, value, unit, facts.get(f"{key}_u_{'m2' if unit == 'm^2' else 'm'}"))


def _data(entry: Any, header: Header, journal: JournalReader) -> "_ClockLog | None":
    indices = {f"{axis}_indices": np.array([0]) for axis in header.axes}
    data = nodes.group(entry, "data", "NXdata", signal=header.signal, axes=list(header.axes), **indices)
    nodes.text(data, "title", header.title)
    starts = {"elapsed": iso_utc(header.start_utc_s), "epoch": "1970-01-01T00:00:00+00:00"}
    for column in header.columns:
        attributes: dict[str, Any] = {"units": column.unit, "long_name": column.long_name}
        if column.name in starts:
            attributes["start"] = starts[column.name]
        if column.flags:
            attributes["flag_masks"] = np.array(list(column.flags.values()), column.dtype)
            attributes["flag_meanings"] = " ".join(column.flags)
        nodes.unfilled(data, column.name, (journal.contents.rows,), column.dtype, **attributes)
    return _fill(data, header, journal)


def _fill(data: Any, header: Header, journal: JournalReader) -> "_ClockLog | None":
    names = [column.name for column in header.columns]
    datasets = {name: data[name] for name in names}
    clock = _ClockLog() if {"elapsed", "epoch"} <= set(names) else None
    first = 0
    for piece in journal.pieces():
        for name, dataset in datasets.items():
            dataset[first : first + len(piece)] = piece[name]
        first += len(piece)
        if clock is not None:
            clock.take(piece["elapsed"], piece["epoch"])
    return clock


def _instrument(entry: Any, contents: Contents) -> None:
    header = contents.known_header()
    instrument = nodes.group(entry, "instrument", "NXinstrument")
    served = " (served by another process)" if header.served_simulation else ""
    nodes.text(instrument, "name", f"simulated bench{served}" if header.simulated else "bench")
    environment = nodes.group(instrument, "environment", "NXenvironment")
    sensors = [column for column in header.columns if _is_sensor(column, header)]
    for column in sensors:
        sensor = nodes.group(environment, column.name, "NXsensor")
        nodes.text(sensor, "name", column.long_name)
        sensor["value"] = h5py.SoftLink(f"/entry/data/{column.name}")
        nodes.text(sensor, "value_timestamp", iso_utc(header.start_utc_s))
        if len(contents.instruments) == 1:
            (facts,) = contents.instruments.values()
            nodes.text(sensor, "model", str(facts.get("idn", "not identified")))
        log = nodes.group(sensor, "value_log", "NXlog")
        log["value"] = h5py.SoftLink(f"/entry/data/{column.name}")
        if "elapsed" in header.axes:
            log["time"] = h5py.SoftLink("/entry/data/elapsed")
    controllers = [column.name for column in sensors if column.name in SET_BY_US]
    nodes.words(environment, "independent_controllers", controllers)
    nodes.words(environment, "measurement_sensors", [c.name for c in sensors if c.name not in controllers])


def _is_sensor(column: Column, header: Header) -> bool:
    own = column.name not in (*header.axes, "epoch") and not column.name.endswith(("_errors", "_time"))
    return own and column.dtype == "f8"


def _history(daq: Any, contents: Contents) -> None:
    header = contents.known_header()
    daq["committed"] = np.int64(contents.rows)
    nodes.text(daq, "header", contents.head.decode())
    nodes.array(daq, "events", nodes.event_table(contents.events))
    begun = [(0, header.start_utc_s, b"start")]
    begun += [(e.row, e.epoch_s, e.message.encode()) for e in contents.events if e.kind == "segment"]
    nodes.array(daq, "segments", np.array(begun, [("row", "i8"), ("epoch", "f8"), ("reason", "S256")]))
    _blocks(daq, contents)


def _provenance(daq: Any, contents: Contents) -> None:
    header = contents.known_header()
    software = nodes.group(daq, "software", "NXcollection")
    for key, value in (header.software | {"host": header.host}).items():
        nodes.facts(software, key, value)
    instruments = nodes.group(daq, "instruments", "NXcollection")
    for role, facts in contents.instruments.items():
        group = nodes.group(instruments, role, "NXcollection")
        nodes.json_note(group, "record", facts)
        for key, value in facts.items():
            nodes.facts(group, key, value)
    if header.seed is not None:
        daq["seed"] = header.seed
    if contents.twin_truth is not None:
        nodes.json_note(daq, "twin_truth", contents.twin_truth)


def _blocks(daq: Any, contents: Contents) -> None:
    blocks = nodes.group(daq, "blocks", "NXcollection")
    for index, block in enumerate(contents.blocks, start=1):
        group = nodes.group(blocks, str(index), "NXcollection")
        nodes.text(group, "name", block.name)
        nodes.json_note(group, "header", block.header)
        nodes.array(group, "values", block.values)


class _ClockLog:
    """How far the computer's date ran from the monotonic clock, once a minute."""

    def __init__(self) -> None:
        self._minute = -1.0
        self._times_s: list[FloatArray] = []
        self._offsets_s: list[FloatArray] = []

    def take(self, elapsed_s: FloatArray, epoch_s: FloatArray) -> None:
        minute = np.floor_divide(elapsed_s, 60.0)
        first = np.flatnonzero(np.diff(minute, prepend=self._minute) > 0)
        self._minute = minute[-1]
        self._times_s.append(elapsed_s[first])
        self._offsets_s.append(epoch_s[first] - elapsed_s[first])

    def write(self, daq: Any) -> None:
        log = nodes.group(daq, "clock", "NXlog")
        nodes.array(log, "time", _joined(self._times_s), units="s")
        nodes.array(log, "value", _joined(self._offsets_s), units="s", long_name="epoch - elapsed")


def _joined(parts: list[FloatArray]) -> FloatArray:
    return np.concatenate([np.empty(0), *parts])


def _last_elapsed_s(journal: JournalReader) -> float:
    times = [event.elapsed_s for event in journal.contents.events]
    last = journal.last_row
    if last is not None and "elapsed" in (last.dtype.names or ()):
        times += last["elapsed"].tolist()
    return max((time_s for time_s in times if np.isfinite(time_s)), default=0.0)
