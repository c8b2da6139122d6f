"""What a run stores about where it came from."""

import getpass
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from xraydaq import __version__

PACKAGES = ("pymeasure", "pyvisa", "pyvisa-py", "pyserial", "numpy", "scipy", "h5py", "pydantic", "pint")


def software() -> dict[str, object]:
    """Get program, version, commit and versions of the packages that touch the data."""
    commit, dirty = _commit()
    return {
        "program": "xraydaq",
        "version": __version__,
        "commit": commit,
        "dirty": dirty,
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
    }


def host() -> dict[str, object]:
    """Get computer, operating system, user and command line."""
    return {
        "name": platform.node(),
        "system": platform.platform(),
        "user": _user(),
        "command": " ".join(Path(word).name if index == 0 else word for index, word in enumerate(sys.argv)),
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _commit() -> tuple[str, bool]:
    """Get the commit this program runs from, or ``""`` for an installed package."""
    home = Path(__file__).resolve().parents[2]
    if not (home / ".git").exists():
        return "", False
    try:
        commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=home, capture_output=True, text=True, check=True)
        state = subprocess.run(["git", "status", "--porcelain"], cwd=home, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "", False
    return commit.stdout.strip(), bool(state.stdout.strip())
