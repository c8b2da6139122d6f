"""Values as JSON that every reader accepts: not a number becomes null, a path its text."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any


def plain(value: Any) -> Any:
    """Get `value` built of what JSON knows; nan and infinity, which it does not know, become None."""
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return str(value) if isinstance(value, Path) else value


def json_text(value: Any, *, indent: int | None = None) -> str:
    """Write a value as JSON text."""
    return json.dumps(plain(value), indent=indent, ensure_ascii=False, allow_nan=False)
