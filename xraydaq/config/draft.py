"""Recipe, sample and bench of one run while they are still being checked."""

from dataclasses import dataclass

from xraydaq.config.calibration import DoseCalibration
from xraydaq.config.locator import KeyPath
from xraydaq.config.models import Bench, Recipe, Sample
from xraydaq.config.source import Document, Origin


@dataclass(frozen=True)
class Part:
    """One file's document and whether a key of it may be looked at; None: the whole file could not be read."""

    document: Document | None
    broken: frozenset[KeyPath]

    def knows(self, path: KeyPath) -> bool:
        """Tell whether `path` and every table around it were read without a mistake."""
        return self.document is not None and not any(
            path[:length] in self.broken for length in range(1, len(path) + 1)
        )


@dataclass(frozen=True)
class Draft:
    """The three models with where their values come from; values that `knows` denies are stand-ins."""

    recipe: Recipe
    sample: Sample
    bench: Bench
    parts: dict[str, Part]
    """``recipe``, ``sample``, ``bench``, ``calibration``."""

    calibration: DoseCalibration | None = None

    def knows(self, *keys: str) -> bool:
        """Tell whether all of ``sample.gap``, ``recipe.parameters.bias``, ... are values or defaults, no stand-ins."""
        return all(self.parts[part].knows(path) for part, path in map(_split, keys))

    def wrote(self, key: str) -> bool:
        """Tell whether a key stands in a file or an option, as opposed to its default."""
        part, path = _split(key)
        document = self.parts[part].document
        return document is not None and path in document.where

    def origin(self, key: str) -> Origin:
        """Get where a key was written, or the nearest table around it."""
        part, path = _split(key)
        document = self.parts[part].document
        if document is None:
            raise ValueError(f"{part} was not read")
        return document.origin(path)


def _split(key: str) -> tuple[str, KeyPath]:
    part, *path = key.split(".")
    return part, tuple(path)
