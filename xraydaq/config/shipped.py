"""Where the configuration files that come with the program are."""

from pathlib import Path


def shipped_configs() -> Path:
    """Get the folder of ``benches``, ``samples`` and ``recipes``: in the installed package, else in the checkout."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "shipped_configs"
    return installed if installed.is_dir() else package.parent / "configs"


def default_bench() -> Path:
    """Get the simulated bench that is used when nothing names one."""
    return shipped_configs() / "benches" / "simulated.toml"
