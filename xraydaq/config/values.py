"""Field types of the configuration models: what a TOML value must be to become a value inside the program.

Each is annotation metadata for pydantic: ``Annotated[float, Quantity("V", "5 V")]``. The first example is a valid
value; messages and the JSON schema show it. Bounds are written so that nan fails.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from xraydaq.config.messages import LONGEST_SHOWN, problem, shown
from xraydaq.errors import UnitError
from xraydaq.units import format_quantity, parse_quantity


class Model(BaseModel):
    """Base of everything read from TOML: unknown keys are mistakes, values do not change after reading.

    A field's alias is its TOML key; the field name carries the SI unit.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True)
class Bounds:
    """An allowed interval; None is no bound."""

    above: float | None = None
    at_least: float | None = None
    at_most: float | None = None

    def contain(self, value: float) -> bool:
        """Tell whether `value` is inside; nan never is."""
        return (
            math.isfinite(value)
            and (self.above is None or value > self.above)
            and (self.at_least is None or value >= self.at_least)
            and (self.at_most is None or value <= self.at_most)
        )

    def text(self, unit: str) -> str:
        """Describe the interval in SI prefixes."""
        parts = [
            f"{word} {_bound_text(bound, unit)}"
            for word, bound in (("above", self.above), ("at least", self.at_least), ("at most", self.at_most))
            if bound is not None
        ]
        return " and ".join(parts) or "any"


@dataclass(frozen=True)
class Quantity:
    """Text with a unit; becomes the SI value.

    `one_of` lists the only SI values allowed. `relative_to` names an earlier field of the model: a text in percent is
    then that share of it.
    """

    unit: str
    example: str
    bounds: Bounds = Bounds()
    one_of: tuple[float, ...] = ()
    relative_to: str = ""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(
            lambda value, info: self.read(value, info.data),
            serialization=core_schema.plain_serializer_function_ser_schema(lambda value: value),
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "examples": [self.example], "description": f"{self.allowed}"}

    @property
    def allowed(self) -> str:
        """Say what may be written."""
        if self.one_of:
            return ", ".join(format_quantity(each, self.unit) for each in self.one_of)
        bounds = self.bounds.text(self.unit)
        return f'text with a unit like "{self.example}"' + ("" if bounds == "any" else f", {bounds}")

    def read(self, value: object, siblings: Mapping[str, Any]) -> float:
        """Get the SI value of a TOML value."""
        shown_unit = self.example.partition(" ")[2]
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 10**LONGEST_SHOWN:
            raise problem(f"unit missing in {shown(value)}; allowed: {self.allowed}")
        if not isinstance(value, str):
            raise problem(f"{shown(value)} given; allowed: {self.allowed}")
        si = self._parse(value, shown_unit, siblings)
        if self.one_of:
            return self._choose(si, value)
        if not self.bounds.contain(si):
            raise problem(f"{shown(value)} is out of range; allowed: {self.bounds.text(self.unit)}")
        return si

    def _parse(self, text: str, shown_unit: str, siblings: Mapping[str, Any]) -> float:
        try:
            if self.relative_to and text.rstrip().endswith("%"):
                return parse_quantity(text, "") * float(siblings.get(self.relative_to, 1.0))
            return parse_quantity(text, self.unit, example_unit=shown_unit)
        except UnitError as error:
            raise problem(str(error)) from None

    def _choose(self, si: float, text: str) -> float:
        for each in self.one_of:
            if math.isclose(si, each, rel_tol=1e-9):
                return each
        raise problem(f"{shown(text)} is not one of the allowed values; allowed: {self.allowed}")


@dataclass(frozen=True)
class Quantities:
    """A list of texts with a unit; becomes a tuple of SI values, all different."""

    each: Quantity

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "array", "items": {"type": "string", "examples": [self.each.example]}}

    @property
    def example(self) -> list[str]:
        """Get a valid list."""
        return [self.each.example]

    def read(self, value: object) -> tuple[float, ...]:
        """Get the SI values of a TOML list."""
        if not isinstance(value, list) or not value:
            raise problem(f'{shown(value)} given; allowed: a list like ["{self.each.example}"]')
        found = tuple(self.each.read(each, {}) for each in value)
        if len(set(found)) < len(found):
            raise problem(f"{shown(value)} names one value twice; allowed: each once")
        return found


@dataclass(frozen=True)
class Number:
    """A TOML number without unit."""

    example: float
    bounds: Bounds = Bounds()
    whole: bool = False
    one_of: tuple[int, ...] = ()

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "integer" if self.whole else "number", "examples": [self.example], "description": self.allowed}

    @property
    def allowed(self) -> str:
        """Say what may be written."""
        if self.one_of:
            return ", ".join(str(each) for each in self.one_of)
        bounds = self.bounds.text("")
        return f"a {'whole ' if self.whole else ''}number" + ("" if bounds == "any" else f", {bounds}")

    def read(self, value: object) -> float | int:
        """Get the number of a TOML value."""
        if isinstance(value, bool) or not isinstance(value, int if self.whole else int | float):
            raise problem(f"{shown(value)} given; allowed: {self.allowed} (without quotes and unit)")
        number = _as_float(value)
        if (self.one_of and number not in self.one_of) or not self.bounds.contain(number):
            raise problem(f"{shown(value)} is out of range; allowed: {self.allowed}")
        return int(number) if self.whole else number


def _bound_text(bound: float, unit: str) -> str:
    return f"{bound / 3600:g} h" if unit == "s" and bound >= 3600 else format_quantity(bound, unit)


def _as_float(value: int | float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf
