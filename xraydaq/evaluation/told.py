"""What stored runs tell the analyses of several procedures."""

from typing import Any

from instruments.keithley2400.ranges import Accuracy, current_accuracy
from xraydaq.storage import StoredRun


def parameters_of(stored: StoredRun) -> dict[str, Any]:
    """Get the parameters of the recipe, SI values by the names of the model's fields."""
    found: dict[str, Any] = stored.header.resolved["recipe"]["parameters"]
    return found


def accuracy_of(stored: StoredRun) -> Accuracy:
    """Get gain, offset and resolution of the current range that was in use."""
    wanted = parameters_of(stored)
    return current_accuracy(wanted["current_range_a"], wanted["nplc"])


def reading_time_s(stored: StoredRun) -> float:
    """Get the integration time of a reading."""
    wanted = parameters_of(stored)
    return float(wanted["nplc"] / wanted["line_frequency_hz"])


def headings(stored: StoredRun) -> dict[str, Any]:
    """Get what every figure says about its run: title, simulated, served."""
    header = stored.header
    return {"title": header.title, "simulated": header.simulated, "served": header.served_simulation}
