"""Refuses to start when another distribution shadows one of this project's top-level packages."""

import importlib.util
from pathlib import Path

from xraydaq.errors import Refused


def check_layout() -> None:
    """Raise `Refused` unless `procedures` and `instruments` are the ones that stand beside `xraydaq`."""
    home = Path(__file__).resolve().parent.parent
    for name in ("procedures", "instruments"):
        spec = importlib.util.find_spec(name)
        found = None if spec is None or spec.origin is None else Path(spec.origin).resolve().parent.parent
        if found != home:
            where = "is missing" if found is None else f"comes from {found}"
            raise Refused(
                f"the package {name!r} {where}, not from {home}: another distribution (InstrumentKit has one of that "
                "name) shadows it; install xraydaq into a virtual environment of its own"
            )
