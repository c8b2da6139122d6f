"""Changes of single keys from the command line: ``--set bias="3 V"``."""

from collections.abc import Sequence
from pathlib import Path

from xraydaq.config.locator import KeyPath
from xraydaq.config.messages import did_you_mean, dotted, shown
from xraydaq.config.models import Recipe
from xraydaq.config.recipes import PARAMETERS
from xraydaq.config.recipes.parts import ProcedureParameters
from xraydaq.config.source import SET, Document, Origin
from xraydaq.config.syntax import parse_toml
from xraydaq.config.validate import fields_of
from xraydaq.errors import ConfigError

FIXED = {
    "extends": "it can only stand in a recipe file",
    "parameters": "name one key, for example parameters.bias",
}


def apply_overrides(document: Document, overrides: Sequence[str]) -> list[str]:
    """Put ``key=value`` texts over a recipe; returns the mistakes.

    The key is one of the recipe (``title``) or of its parameters, with or without ``parameters.`` before it. The
    value is TOML, or plain text where that is no TOML, so that quotes eaten by a shell are not missed.
    """
    problems: list[str] = []
    seen: set[KeyPath] = set()
    for override in overrides:
        key, equals, value = (part.strip() for part in override.partition("="))
        if not (equals and key and value):
            problems.append(f'{SET}: {shown(override)} is not key=value; write for example {SET} bias="3 V"')
            continue
        path = _path_of(key, document)
        if isinstance(path, str):
            problems.append(f"{SET}: {dotted(key.split('.'))}: {path}")
        elif path in seen:
            problems.append(f"{SET}: {dotted(path)}: given twice; give it once")
        else:
            seen.add(path)
            document.put(path, _value_of(path, value), Origin(SET, folder=Path.cwd()))
    return problems


def _path_of(key: str, document: Document) -> KeyPath | str:
    parameters = _parameter_keys(document)
    name = key.removeprefix("parameters.")
    if key in FIXED:
        return f"cannot be set here; {FIXED[key]}"
    if name == key and key in fields_of(Recipe):
        return (key,)
    if name in parameters:
        return ("parameters", name)
    if key.startswith(("sample.", "bench.", "limits.", "roles.", "twin.")):
        return "samples and benches are not changed from here; use --sample or --bench with another file"
    allowed = [*(each for each in fields_of(Recipe) if each not in FIXED), *parameters]
    if _procedure_of(document) is None:
        of_recipe = ", ".join(each for each in fields_of(Recipe) if each not in FIXED)
        return f"unknown key{did_you_mean(name, allowed)}; allowed: {of_recipe}, and parameters of the procedure"
    return f"unknown key{did_you_mean(name, allowed)}; allowed: {', '.join(allowed)}"


def _parameter_keys(document: Document) -> list[str]:
    model = _procedure_of(document)
    models = PARAMETERS.values() if model is None else [model]
    return list(dict.fromkeys(key for each in models for key in fields_of(each)))


def _procedure_of(document: Document) -> type[ProcedureParameters] | None:
    procedure = document.data.get("procedure")
    return PARAMETERS.get(procedure) if isinstance(procedure, str) else None


def _value_of(path: KeyPath, text: str) -> object:
    try:
        parsed = parse_toml(f"value = {text}", SET)
    except ConfigError:
        return text
    if list(parsed) != ["value"]:
        return text
    is_text_key = len(path) == 1
    return text if is_text_key and not isinstance(parsed["value"], str) else parsed["value"]
