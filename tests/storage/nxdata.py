"""What a NeXus reader needs to plot a file, checked without any library that reads NeXus.

The rules are those of the NeXus manual (https://manual.nexusformat.org): "Associating plottable data using attributes
applied to the NXdata group" and the base classes NXroot, NXentry, NXdata.
"""

import numpy as np

DEFINITIONS_NEED = {
    "NXsensor_scan": [
        "title", "start_time", "end_time", "definition", "experiment_description", "data", "user/name", "sample/name",
        "instrument/environment/independent_controllers", "instrument/environment/measurement_sensors",
    ],
}  # fmt: skip


def faults_of(file):
    """Say what is wrong with a result file, as a list of sentences; empty if nothing is."""
    faults = []
    file.visititems(lambda path, node: _group_faults(path, node, faults))
    plots = _default_plot(file, faults)
    if plots is not None:
        faults += data_faults(plots)
    _definition_faults(file, faults)
    return faults


def _group_faults(path, node, faults):
    if hasattr(node, "keys") and not str(node.attrs.get("NX_class", "")).startswith("NX"):
        faults.append(f"{path}: a group without NX_class")


def _default_plot(file, faults):
    """Follow the chain of `default` from the root to the group that a viewer opens."""
    node = file
    for expected in ("NXroot", "NXentry", "NXdata"):
        if node.attrs.get("NX_class") != expected:
            faults.append(f"{node.name}: {expected} expected, not {node.attrs.get('NX_class')}")
            return None
        if expected != "NXdata":
            name = node.attrs.get("default", "")
            if not name or name not in node:
                faults.append(f"{node.name}: default {name!r} is not there")
                return None
            node = node[name]
    return node


def data_faults(data):
    """Say what keeps an NXdata group from being plotted."""
    signal_name, axes = data.attrs.get("signal"), [str(axis) for axis in data.attrs.get("axes", [])]
    if signal_name not in data:
        return [f"{data.name}: signal {signal_name!r} is not there"]
    signal = data[signal_name]
    faults = [f"{data.name}: {len(axes)} axes for {signal.ndim} dimensions"] if len(axes) != signal.ndim else []
    for dimension, axis in enumerate(axes):
        if axis not in data:
            faults.append(f"{data.name}: axis {axis!r} is not there")
            continue
        indices = np.atleast_1d(data.attrs.get(f"{axis}_indices", -1)).tolist()
        if indices != [dimension]:
            faults.append(f"{data.name}: {axis}_indices is {indices}, not {dimension}")
        if data[axis].shape != (signal.shape[dimension],):
            faults.append(f"{data.name}: axis {axis} of shape {data[axis].shape} for {signal.shape}")
    return faults + [fault for name in data for fault in _field_faults(data, name)]


def _field_faults(data, name):
    field = data[name]
    if field.dtype.kind not in "fiu":
        return []
    faults = [f"{field.name}: no {key}" for key in ("units", "long_name") if not isinstance(field.attrs.get(key), str)]
    base = name.removesuffix("_errors")
    if base != name and (base not in data or data[base].shape != field.shape):
        faults.append(f"{field.name}: the errors of nothing of this shape")
    elif base != name and data[base].attrs["units"] != field.attrs["units"]:
        faults.append(f"{field.name}: in other units than its value")
    if "flag_masks" in field.attrs and len(field.attrs["flag_masks"]) != len(field.attrs["flag_meanings"].split()):
        faults.append(f"{field.name}: flags and meanings differ in number")
    return faults


def _definition_faults(file, faults):
    entry = file["entry"]
    definition = entry["definition"].asstr()[()] if "definition" in entry else ""
    if definition not in DEFINITIONS_NEED:
        faults.append(f"definition {definition!r} is unknown")
        return
    faults += [f"{definition}: no {path}" for path in DEFINITIONS_NEED[definition] if path not in entry]
    for sensor in entry["instrument/environment"].values():
        if sensor.attrs.get("NX_class") == "NXsensor" and sensor.get("value") is None:
            faults.append(f"{sensor.name}: value leads nowhere")
