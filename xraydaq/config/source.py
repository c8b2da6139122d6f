"""Configuration text as read: the parsed table and where each of its keys stands."""

from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import Any

from xraydaq.config.locator import KeyPath, line_of, locate_keys
from xraydaq.config.messages import did_you_mean, shown
from xraydaq.config.syntax import parse_toml
from xraydaq.errors import ConfigError
from xraydaq.units import visible

SET = "--set"


@dataclass(frozen=True)
class Origin:
    """Where a value was written: a line of a file, or (line 0) a command-line option."""

    file: str
    line: int = 0
    folder: Path = Path()
    """Folder that a relative path written there starts from."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass
class Document:
    """A TOML table with the origin of every key in it; ``where[()]`` is the beginning of the file."""

    data: dict[str, Any]
    where: dict[KeyPath, Origin]
    texts: dict[str, str] = field(default_factory=dict)
    """``""`` for the file itself, ``.base``, ``.base.base`` for what it extends -> verbatim text."""

    files: dict[str, str] = field(default_factory=dict)
    """Same keys as `texts` -> name of the file."""

    def origin(self, path: KeyPath) -> Origin:
        """Get the origin of `path`, or of the nearest table that holds it."""
        while path not in self.where:
            path = path[:-1]
        return self.where[path]

    def put(self, path: KeyPath, value: object, origin: Origin) -> None:
        """Set one key, replacing what stands there; does nothing below a key that is wrongly no table."""
        table = self.data
        for part in path[:-1]:
            table = table.setdefault(part, {})
            if not isinstance(table, dict):
                return
        table[path[-1]] = value
        self.where[path] = origin

    def over(self, base: "Document") -> "Document":
        """Get the keys of both, this document's where both have one."""
        suffixed = {f".base{key}": text for key, text in base.texts.items()}
        names = {f".base{key}": name for key, name in base.files.items()}
        return Document(
            _merged(base.data, self.data), base.where | self.where, self.texts | suffixed, self.files | names
        )


def display(path: Path) -> str:
    """Name a file the way messages do: relative to the working directory when it is inside."""
    full, here = path.resolve(), Path.cwd().resolve()
    return visible(str(full.relative_to(here) if full.is_relative_to(here) else full))


def read_document(path: Path) -> Document:
    """Read one TOML file.

    Raises:
        ConfigError: it is missing, unreadable, not UTF-8 or not TOML; the message has file and line.
    """
    name = display(path)
    text = _read_text(path, name)
    body = text.removeprefix("\ufeff")
    data = parse_toml(body, name)
    lines = locate_keys(body)
    folder = path.resolve().parent
    where = {each: Origin(name, line_of(lines, each), folder) for each in _paths(data)}
    return Document(data, {(): Origin(name, 1, folder)} | where, {"": text}, {"": name})


def find_file(text: str, origin: Origin, key: str) -> Path:
    """Get the existing file a key names, relative to the file that the key stands in.

    Raises:
        ConfigError: there is no such file.
    """
    said = f"{origin}: {key}: {shown(text)}"
    try:
        path = (origin.folder / text).resolve()
        mode = path.stat().st_mode
    except FileNotFoundError:
        hint = _beside(path) or (
            "; the path is relative to the file it stands in" if origin.line else "; check the path"
        )
        raise ConfigError(f"{said} does not exist (looked for {display(path)}){hint}") from None
    except OSError as error:
        raise ConfigError(f"{said} cannot be opened: {error.strerror}") from None
    except (ValueError, RuntimeError):  # a null character, links in a circle
        raise ConfigError(f"{said} is not the name of a file") from None
    if not S_ISREG(mode):
        raise ConfigError(f"{said} is {'a folder' if S_ISDIR(mode) else 'no file'}; allowed: the name of a file")
    return path


def _read_text(path: Path, name: str) -> str:
    try:
        return path.read_bytes().decode()
    except FileNotFoundError:
        raise ConfigError(f"{name}: file not found{_beside(path) or '; check the path'}") from None
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise ConfigError(f"{name}:{line}: not UTF-8 text; save the file with the encoding UTF-8") from None
    except OSError as error:
        raise ConfigError(f"{name}: cannot be read: {error.strerror}") from None


def _beside(path: Path) -> str:
    names = sorted(each.name for each in path.parent.glob("*.toml")) if path.parent.is_dir() else []
    return did_you_mean(path.name, names)


def _paths(data: dict[str, Any], above: KeyPath = ()) -> list[KeyPath]:
    found: list[KeyPath] = []
    for name, value in data.items():
        found.append((*above, name))
        if isinstance(value, dict):
            found += _paths(value, (*above, name))
    return found


def _merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = deepcopy(base)
    for name, value in over.items():
        below = merged.get(name)
        merged[name] = (
            _merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else deepcopy(value)
        )
    return merged
