"""A recipe and the recipes it extends, merged into one document."""

from pathlib import Path

from xraydaq.config.kinds import kind_of, require_kind
from xraydaq.config.messages import shown
from xraydaq.config.source import Document, Origin, display, find_file, read_document
from xraydaq.errors import ConfigError


def read_recipe(path: Path) -> Document:
    """Read a recipe and everything it extends, merged; what is read first has the word.

    Raises:
        ConfigError: a file of the chain is missing, unreadable, no recipe, or extends one that came before it.
    """
    layers = [read_document(path)]
    chain = [path.resolve()]
    require_kind(layers[0], "recipe")
    while "extends" in layers[-1].data:
        origin = layers[-1].origin(("extends",))
        target = _target(layers[-1], origin)
        chain.append(find_file(target, origin, "extends"))
        if chain[-1] in chain[:-1]:
            names = " -> ".join(display(each) for each in chain)
            raise ConfigError(f"{origin}: extends: {names} is a circle; remove one extends of it")
        layers.append(read_document(chain[-1]))
        found = kind_of(layers[-1])
        if found not in (None, "recipe"):
            raise ConfigError(f"{origin}: extends: {shown(target)} is a {found} file; allowed: a recipe file")
    merged = layers.pop()
    while layers:
        merged = layers.pop().over(merged)
    return merged


def _target(document: Document, origin: Origin) -> str:
    target = document.data["extends"]
    # at once, not with the other mistakes: without the base every key it holds would be called missing
    if not isinstance(target, str) or not target.strip():
        raise ConfigError(f"{origin}: extends: {shown(target)} given; allowed: a file name in quotes")
    return target
