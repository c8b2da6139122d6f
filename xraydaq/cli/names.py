"""What a person may write for a recipe, a bench, a sample or a run, and the file that is meant."""

from pathlib import Path

from xraydaq.config import shipped_configs
from xraydaq.config.messages import did_you_mean
from xraydaq.config.source import display
from xraydaq.errors import ConfigError

TOML = ".toml"
RESULT = ".h5"
JOURNALS = (".wal", ".gz")


def recipe_file(text: str) -> Path:
    """Get the recipe that is meant: a file, else one that comes with the program, by its name.

    Raises:
        ConfigError: it is neither.
    """
    if Path(text).exists():
        return Path(text)
    shipped = _shipped(text, "recipes")
    if shipped is not None:
        return shipped
    if Path(text).name != text:
        return Path(text)  # a path: the loader says what is wrong with it
    names = shipped_names("recipes")
    raise ConfigError(
        f"{text}: no such file, and no recipe of this name comes with the program{did_you_mean(text, names)}; "
        f"shipped: {', '.join(names)}"
    )


def bench_file(text: str | None) -> Path | None:
    """Get the bench file that is meant; a name may be that of a shipped one."""
    return None if text is None else _file_or_shipped(text, "benches")


def sample_file(text: str | None) -> Path | None:
    """Get the sample file that is meant; a name may be that of a shipped one."""
    return None if text is None else _file_or_shipped(text, "samples")


def shipped_names(kind: str) -> list[str]:
    """Get the names of the shipped ``recipes``, ``benches`` or ``samples``."""
    return sorted(path.stem for path in (shipped_configs() / kind).glob(f"*{TOML}"))


def shown(path: Path) -> str:
    """Name a file the way messages do: relative to the working directory when it is inside."""
    return display(path)


def run_path(text: str, root: Path) -> Path:
    """Get the run that is meant: its folder, its result or journal, or the beginning of its id under `root`.

    Raises:
        ConfigError: there is none, or several begin so.
    """
    path = Path(text)
    if path.is_dir() or (path.is_file() and path.suffix in (RESULT, *JOURNALS)):
        return path
    if path.exists():
        raise ConfigError(f"{shown(path)}: neither the folder of a run nor its result ({RESULT})")
    if path.name != text:
        raise ConfigError(f"{shown(path)}: no such file or folder")
    found = sorted(each for each in _folders(root) if each.name.startswith(text))
    exact = [each for each in found if each.name == text]
    if len(exact or found) == 1:
        return (exact or found)[0]
    if not found:
        raise ConfigError(f"{text}: no such file, and no run in {shown(root)} begins so; see xraydaq runs list")
    few = ", ".join(each.name for each in found[:3]) + (", ..." if len(found) > 3 else "")
    raise ConfigError(f"{text}: {len(found)} runs begin so: {few}; write more of the id")


def folders_in(root: Path) -> list[Path]:
    """List the folders in `root`; none when it does not exist.

    Raises:
        ConfigError: it is no folder, or it cannot be read.
    """
    return sorted(_folders(root))


def _folders(root: Path) -> list[Path]:
    if not root.exists():
        return []
    try:
        return [each for each in root.iterdir() if each.is_dir()]
    except OSError as error:
        raise ConfigError(f"{shown(root)}: {error.strerror}; a folder that holds runs is wanted here") from None


def _file_or_shipped(text: str, kind: str) -> Path:
    path = Path(text)
    if path.exists():
        return path
    return _shipped(text, kind) or path


def _shipped(text: str, kind: str) -> Path | None:
    if Path(text).name != text:
        return None
    path = shipped_configs() / kind / (text if text.endswith(TOML) else f"{text}{TOML}")
    return path if path.is_file() else None
