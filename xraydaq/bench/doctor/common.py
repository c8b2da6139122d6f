"""What is asked of every instrument: who it is, its certificate, its settings."""

import os
from datetime import UTC, datetime
from pathlib import Path

from xraydaq.bench.asking import CANNOT_ANSWER
from xraydaq.bench.doctor.check import Finding, Probe
from xraydaq.bench.doctor.place import Place
from xraydaq.bench.drivers import Instrument, identification
from xraydaq.bench.opening import check_identity
from xraydaq.errors import WireError

PORT_FIX = (
    "Plug it in and switch it on, end other programs that use it, give this user the right to the port "
    "(often the group dialout, or a udev rule), and look at the address in the bench file."
)

RIGHTS_FIX = "Add this user to the group of the port (often dialout) or write a udev rule, and log in again."
SLOW_FIX = (
    "Answers are late or lost on the way: end other programs on this line, then exchange the cable and the adapter."
)
SLOWEST_S = 2.0
"""A question that was answered at once takes a tenth of it; one that had to be asked again takes longer."""


def serial_device(resource: str) -> Path | None:
    """Get the device file of a serial resource, None for any other."""
    name = resource.removeprefix("ASRL").partition("::")[0]
    return Path(name) if resource.startswith("ASRL") and name.startswith("/") else None


def rights_probe(path: Path) -> Probe:
    """Get the question whether this user may use a port."""

    def look() -> Finding:
        return Finding(os.access(path, os.R_OK | os.W_OK), f"{path} for this user")

    return Probe("rights", look, RIGHTS_FIX)


def common_probes(name: str, place: Place, instrument: Instrument) -> tuple[Probe, ...]:
    """Get the questions; an instrument that cannot answer is asked for its certificate only."""
    calibration = Probe(
        "calibration due",
        lambda: _calibration(name, place),
        "Have it calibrated and write the new date into the bench file (calibration_due).",
    )
    if place.bench.roles[name].driver in CANNOT_ANSWER:
        return (calibration,)
    return (
        Probe("identity", lambda: _identity(name, place, instrument), "Look at the address in the bench file."),
        Probe("answer time", lambda: _answer_time(place, instrument), SLOW_FIX),
        calibration,
        Probe("settings", lambda: _settings(instrument), "Switch the instrument off and on, and ask again."),
    )


def _identity(name: str, place: Place, instrument: Instrument) -> Finding:
    identity = instrument.identify()
    check_identity(name, place.bench.roles[name], identity)
    return Finding(True, identification(identity))


def _answer_time(place: Place, instrument: Instrument) -> Finding:
    start_s = place.clock.now()
    instrument.identify()
    took_s = place.clock.now() - start_s
    return Finding(took_s <= SLOWEST_S, f"{took_s:.2f} s; up to {SLOWEST_S:g} s is good")


def _calibration(name: str, place: Place) -> Finding:
    if not place.bench.is_real:
        return Finding(True, "simulated: there is nothing to calibrate")
    due = place.bench.roles[name].calibration_due
    if due is None:
        return Finding(None, "the bench file states no date (calibration_due)")
    today = datetime.fromtimestamp(place.clock.utc(), UTC).date()
    if due < today:
        return Finding(False, f"overdue since {due.isoformat()}")
    return Finding(True, f"due on {due.isoformat()}")


def _settings(instrument: Instrument) -> Finding:
    settings = instrument.settings()
    if any(not text.isprintable() for text in settings.values()):
        raise WireError("settings that are not text", repr(settings).encode())
    return Finding(bool(settings), f"{len(settings)} read")
