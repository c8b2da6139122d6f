"""Who said each value of a checked configuration."""

from collections.abc import Iterator

from xraydaq.config.draft import Draft
from xraydaq.config.locator import KeyPath
from xraydaq.config.validate import fields_of, inner_model
from xraydaq.config.values import Model

DEFAULT = "default"


def origins_of(draft: Draft) -> dict[str, str]:
    """Get the origin of every key; ``sample.`` and ``bench.`` stand before those of sample and bench."""
    models: dict[str, Model] = {"recipe": draft.recipe, "sample": draft.sample, "bench": draft.bench}
    found: dict[str, str] = {}
    for part, model in models.items():
        for path in _keys(model):
            key = ".".join((part, *path))
            found[key.removeprefix("recipe.")] = str(draft.origin(key)) if draft.wrote(key) else DEFAULT
    return found


def _keys(model: Model, above: KeyPath = ()) -> Iterator[KeyPath]:
    for name, python_name in zip(fields_of(type(model)), type(model).model_fields, strict=True):
        value = getattr(model, python_name)
        if isinstance(value, Model):
            yield from _keys(value, (*above, name))
        elif isinstance(value, dict):
            for inner_name, inner in value.items():
                yield from _keys(inner, (*above, name, inner_name))
        elif inner_model(type(model).model_fields[python_name]) is None:
            yield (*above, name)
