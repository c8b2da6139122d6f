"""Is this computer fit for a night: room on the disk, a plausible date, a clock that moves, no falling asleep?"""

import os
from datetime import UTC, datetime
from pathlib import Path

from xraydaq.bench.doctor.check import Finding, Probe
from xraydaq.clock import Clock
from xraydaq.errors import StorageError
from xraydaq.storage.disk import check_free

ROLE = "computer"
NIGHT_BYTES = 100_000_000
"""Twelve hours of ten readings per second, some 200 bytes each."""

FIRST_UTC_S = datetime(2025, 1, 1, tzinfo=UTC).timestamp()
LAST_UTC_S = datetime(2100, 1, 1, tzinfo=UTC).timestamp()
LOOK_S = 0.05
JUMP_S = 0.5
"""Of the date within `LOOK_S`: it was set at this moment, or one of the clocks is wrong."""

SLEEP_TARGETS = ("sleep.target", "suspend.target", "hibernate.target", "hybrid-sleep.target")


def computer_probes(clock: Clock, run_folder: Path, system: Path = Path("/")) -> tuple[Probe, ...]:
    """Get the questions; `system` is where the operating system's files begin."""
    return (
        Probe("disk", lambda: _disk(run_folder), "Make room, or choose another folder for the runs."),
        Probe("date", lambda: _date(clock), "Set the computer's date and time, best by a time server."),
        Probe("clock", lambda: _clock(clock), "Ask again; if it stays, the computer's clock is broken."),
        Probe(
            "sleep",
            lambda: _sleep(system),
            "Start long runs with: systemd-inhibit --what=sleep:idle xraydaq run ...; or mask the sleep targets.",
        ),
    )


def can_suspend(system: Path) -> bool:
    """Tell whether systemd may put this computer to sleep: neither masked nor held off by somebody."""
    if not (system / "run/systemd/system").is_dir():
        return False
    units = system / "etc/systemd/system"
    is_masked = all((units / name).is_symlink() and _is_null(units / name) for name in SLEEP_TARGETS)
    return not is_masked and not _is_inhibited(system / "run/systemd/inhibit")


def _is_null(link: Path) -> bool:
    return link.readlink() == Path("/dev/null")


def _is_inhibited(folder: Path) -> bool:
    """Look for a lock as ``systemd-inhibit`` takes it; those of mode delay hold nothing off for long."""
    for path in folder.glob("*"):
        try:
            lines = dict(line.partition("=")[::2] for line in path.read_text(errors="replace").splitlines())
        except OSError:
            continue  # the pipe beside a lock, or one that is gone by now
        if "sleep" in lines.get("WHAT", "").split(":") and lines.get("MODE", "block").startswith("block"):
            return True
    return False


def _disk(run_folder: Path) -> Finding:
    folder = run_folder.absolute()
    while not folder.exists():
        folder = folder.parent
    if not os.access(folder, os.W_OK):
        return Finding(False, f"{folder}: this user may not write here")
    try:
        check_free(folder, NIGHT_BYTES)
    except StorageError as error:
        return Finding(False, str(error))
    return Finding(True, f"room for a night in {folder}")


def _date(clock: Clock) -> Finding:
    utc_s = clock.utc()
    shown = datetime.fromtimestamp(utc_s, UTC).isoformat(timespec="seconds")
    return Finding(FIRST_UTC_S <= utc_s <= LAST_UTC_S, shown)


def _clock(clock: Clock) -> Finding:
    start_s, start_utc_s = clock.now(), clock.utc()
    clock.sleep(LOOK_S)
    moved_s, date_moved_s = clock.now() - start_s, clock.utc() - start_utc_s
    agrees = abs(date_moved_s - moved_s) <= JUMP_S
    return Finding(moved_s > 0 and agrees, f"moved {moved_s:.3f} s, the date {date_moved_s:.3f} s")


def _sleep(system: Path) -> Finding:
    if can_suspend(system):
        return Finding(False, "this computer may fall asleep during a run")
    return Finding(True, "nothing puts this computer to sleep")
