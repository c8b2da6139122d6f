"""Describing bench, sample and recipe files to an editor, as JSON schemas."""

from typing import Any

from xraydaq.config.models import FILES, recipe_model
from xraydaq.config.recipes import PARAMETERS
from xraydaq.config.validate import fields_of, inner_model
from xraydaq.config.values import Model, Quantities, Quantity
from xraydaq.units import format_quantity


def json_schema() -> dict[str, Any]:
    """Get the JSON schemas of ``bench``, ``sample`` and ``recipe`` files, by kind."""
    return {kind: _recipe_schema() if kind == "recipe" else _schema(model) for kind, model in FILES.items()}


def _schema(model: type[Model]) -> dict[str, Any]:
    schema = model.model_json_schema(by_alias=True)
    for each in (model, *_inner(model)):
        _write_defaults(each, schema.get("$defs", {}).get(each.__name__, schema))
    return schema


def _recipe_schema() -> dict[str, Any]:
    """Get what all recipes have, and for each procedure what its parameters are."""
    schemas = {procedure: _schema(recipe_model(procedure)) for procedure in PARAMETERS}
    merged = next(iter(schemas.values()))
    required = merged.pop("required")
    merged["properties"]["parameters"] = {"type": "object"}
    merged["$defs"] = {name: table for schema in schemas.values() for name, table in schema["$defs"].items()}
    merged["allOf"] = [
        _unless_it_extends({"required": required}),
        *(_of_procedure(procedure, merged["$defs"]) for procedure in PARAMETERS),
    ]
    return merged


def _of_procedure(procedure: str, tables: dict[str, Any]) -> dict[str, Any]:
    """Ask for the required parameters only where no ``extends`` may supply them."""
    name = PARAMETERS[procedure].__name__
    needed = tables[name].pop("required", [])
    parameters = {"properties": {"parameters": {"$ref": f"#/$defs/{name}"}}}
    there = _unless_it_extends({"properties": {"parameters": {"required": needed}}})
    return {
        "if": {"properties": {"procedure": {"enum": [procedure]}}, "required": ["procedure"]},
        "then": {"allOf": [parameters, there]},
    }


def _unless_it_extends(schema: dict[str, Any]) -> dict[str, Any]:
    return {"if": {"not": {"required": ["extends"]}}, "then": schema}


def _inner(model: type[Model]) -> list[type[Model]]:
    return [inner for field in fields_of(model).values() if (inner := inner_model(field)) is not None]


def _write_defaults(model: type[Model], schema: dict[str, Any]) -> None:
    """Write defaults the way a person does, ``"60 s"``; leave out those that TOML has no word for."""
    for name, field in fields_of(model).items():
        described = schema["properties"][name]
        if described.get("default", 0) in (None, ""):
            del described["default"]
        for quantities in (each for each in field.metadata if isinstance(each, Quantities)):
            if "default" in described:
                values = described["default"]
                described["default"] = [format_quantity(value, quantities.each.unit, 12) for value in values]
        for quantity in (each for each in field.metadata if isinstance(each, Quantity)):
            if "default" in described:
                described["default"] = format_quantity(described["default"], quantity.unit, 12)
