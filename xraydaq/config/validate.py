"""One table against one model: every mistake as a line of text, and a model to go on checking with.

What is broken is replaced by the field's example, so that the checks across files still see the rest; `broken` names
what must not be looked at. A stand-in never leaves the loader: any problem makes it raise.
"""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, get_args

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from xraydaq.config.locator import KeyPath
from xraydaq.config.messages import PROBLEM, closest, did_you_mean, dotted, shown
from xraydaq.config.models import FILES
from xraydaq.config.source import Document
from xraydaq.config.values import Model, Number, Quantities, Quantity
from xraydaq.config.words import Choice, Day, Switch, Text

FIELD_TYPES = (Quantity, Quantities, Number, Text, Choice, Day, Switch)

M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Checked(Generic[M]):
    """A model, the mistakes found on the way to it, and the keys where it holds a stand-in."""

    value: M
    problems: tuple[str, ...]
    broken: frozenset[KeyPath]


def validate(model: type[M], document: Document) -> Checked[M]:
    """Read `document` as `model`; never raises because of what the document says."""
    data = deepcopy(document.data)
    problems: list[str] = []
    broken: set[KeyPath] = set()
    try:
        return Checked(model.model_validate(data), (), frozenset())
    except ValidationError as error:
        details = error.errors()
    misspelt = _misspelt(model, details)
    for detail in details:
        path = _path(detail)
        if not (detail["type"] == "missing" and path in misspelt):
            problems.append(f"{document.origin(path)}: {dotted(path)}: {_text(model, path, detail)}")
        _repair(model, data, path, detail["type"])
        if detail["type"] != "extra_forbidden":
            broken.add(path)
    return Checked(model.model_validate(data), tuple(problems), frozenset(broken))


def fields_of(model: type[Model]) -> dict[str, FieldInfo]:
    """Get the fields of a model by their TOML key."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def inner_model(field: FieldInfo) -> type[Model] | None:
    """Get the model of a table, None for a field that is no table."""
    for each in (field.annotation, *get_args(field.annotation)):
        if isinstance(each, type) and issubclass(each, Model):
            return each
    return None


def _path(detail: ErrorDetails) -> KeyPath:
    return tuple(str(part) for part in detail["loc"])


def _misspelt(model: type[Model], details: list[ErrorDetails]) -> set[KeyPath]:
    """Get the keys that unknown ones were meant to be: to call them missing too would count one mistake twice."""
    unknown = [_path(detail) for detail in details if detail["type"] == "extra_forbidden"]
    return {(*path[:-1], closest(path[-1], fields_of(_table_at(model, path[:-1])))) for path in unknown}


def _text(model: type[Model], path: KeyPath, detail: ErrorDetails) -> str:
    kind = detail["type"]
    if kind == PROBLEM:
        return detail["msg"]
    if kind == "missing":
        return _missing_text(model, path)
    if kind == "extra_forbidden":
        return _unknown_text(model, path)
    if kind in ("model_type", "dict_type"):
        return f"{shown(detail['input'])} given; allowed: a table, written [{dotted(path)}]"
    return detail["msg"]


def _missing_text(model: type[Model], path: KeyPath) -> str:
    example = _example(_field_at(model, path))
    if isinstance(example, dict):
        return f"missing; write a table [{dotted(path)}]"
    place = f"in [{dotted(path[:-1])}]" if path[:-1] else "above the first table"
    return f"missing; write for example {path[-1]} = {shown(example)} {place}"


def _unknown_text(model: type[Model], path: KeyPath) -> str:
    table = _table_at(model, path[:-1])
    allowed = list(fields_of(table))
    hint = did_you_mean(path[-1], allowed)
    if not hint:
        places = [place for place, each in _tables(model) if path[-1] in fields_of(each) and each is not table]
        places += [f"in a {kind} file" for kind, each in FILES.items() if path[-1] in _all_keys(each)]
        hint = "".join(f"; it belongs {place}" for place in places[:1])
    return f"unknown key{hint}; allowed: {', '.join(allowed)}"


def _all_keys(model: type[Model]) -> set[str]:
    return {key for _, table in _tables(model) for key in fields_of(table)}


def _tables(model: type[Model]) -> Iterator[tuple[str, type[Model]]]:
    yield "above the first table", model
    for name, field in fields_of(model).items():
        inner = inner_model(field)
        if inner is not None:
            yield f"in [{name}{'.<name>' if _is_named_tables(field) else ''}]", inner


def _is_named_tables(field: FieldInfo) -> bool:
    return getattr(field.annotation, "__origin__", None) is dict


def _table_at(model: type[Model], path: KeyPath) -> type[Model]:
    while path:
        field = fields_of(model)[path[0]]
        path = path[2:] if _is_named_tables(field) else path[1:]
        model = inner_model(field) or model
    return model


def _field_at(model: type[Model], path: KeyPath) -> FieldInfo:
    table = _table_at(model, path[:-1])
    return fields_of(table)[path[-1]]


def _repair(model: type[Model], data: dict[str, Any], path: KeyPath, kind: str) -> None:
    table = data
    for part in path[:-1]:
        table = table[part]
    if kind != "extra_forbidden" and len(path) == 2 and _is_named_tables(fields_of(model)[path[0]]):
        table[path[-1]] = _example_table(_table_at(model, path))
    elif kind == "extra_forbidden" or not _field_at(model, path).is_required():
        table.pop(path[-1], None)
    else:
        table[path[-1]] = _example(_field_at(model, path))


def _example(field: FieldInfo) -> object:
    inner = inner_model(field)
    if inner is not None:
        return {} if _is_named_tables(field) else _example_table(inner)
    return next(each.example for each in field.metadata if isinstance(each, FIELD_TYPES))


def _example_table(model: type[Model]) -> dict[str, object]:
    return {name: _example(field) for name, field in fields_of(model).items() if field.is_required()}
