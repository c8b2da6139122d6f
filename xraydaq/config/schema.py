"""Describing bench, sample and recipe files to an editor, as JSON schemas."""

from typing import Any

from xraydaq.config.models import FILES
from xraydaq.config.recipes import PARAMETERS
from xraydaq.config.validate import fields_of, inner_model
from xraydaq.config.values import Model, Quantity
from xraydaq.units import format_quantity


def json_schema() -> dict[str, Any]:
    """Get the JSON schemas of ``bench``, ``sample`` and ``recipe`` files, by kind."""
    schemas = {kind: model.model_json_schema(by_alias=True) for kind, model in FILES.items()}
    for kind, model in FILES.items():
        definitions = schemas[kind].get("$defs", {})
        for each in (model, *_inner(model)):
            _write_defaults(each, definitions.get(each.__name__, schemas[kind]))
    _need_nothing_below_a_base(schemas["recipe"])
    return schemas


def _inner(model: type[Model]) -> list[type[Model]]:
    return [inner for field in fields_of(model).values() if (inner := inner_model(field)) is not None]


def _write_defaults(model: type[Model], schema: dict[str, Any]) -> None:
    """Write defaults the way a person does, ``"60 s"``; leave out those that TOML has no word for."""
    for name, field in fields_of(model).items():
        described = schema["properties"][name]
        if described.get("default", 0) in (None, ""):
            del described["default"]
        for quantity in (each for each in field.metadata if isinstance(each, Quantity)):
            if "default" in described:
                described["default"] = format_quantity(described["default"], quantity.unit, 12)


def _need_nothing_below_a_base(recipe: dict[str, Any]) -> None:
    """Ask for the required keys only where no ``extends`` may supply them."""
    tables = {model.__name__: recipe["$defs"][model.__name__] for model in PARAMETERS.values()}
    (parameters,) = (table.pop("required") for table in tables.values())
    recipe["if"] = {"not": {"required": ["extends"]}}
    recipe["then"] = {"required": recipe.pop("required"), "properties": {"parameters": {"required": parameters}}}
