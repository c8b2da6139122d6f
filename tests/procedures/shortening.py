"""Shipped recipes, shortened for a test."""

from xraydaq.config import load_run
from xraydaq.config.shipped import shipped_configs


def shortened(recipe, short, *overrides, **files):
    """Load a shipped recipe with `short` overrides, of which later ones replace earlier ones."""
    wanted = dict(text.split("=", 1) for text in (*short, *overrides))
    path = shipped_configs() / "recipes" / f"{recipe}.toml"
    return load_run(path, overrides=[f"{key}={value}" for key, value in wanted.items()], **files)
