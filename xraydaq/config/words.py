"""Field types for text, dates and words of a list; see `values` for the ones with numbers."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from xraydaq.config.messages import did_you_mean, problem, shown


@dataclass(frozen=True)
class Text:
    """Text that says something; `pattern` restricts it and `rule` says how in words."""

    example: str
    pattern: str = ""
    rule: str = "text in quotes, not empty"

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "examples": [self.example], "description": self.rule}

    def read(self, value: object) -> str:
        """Get the text of a TOML value."""
        if not isinstance(value, str):
            raise problem(f"{shown(value)} given; allowed: {self.rule}")
        if not value.strip() or (self.pattern and not re.fullmatch(self.pattern, value)):
            raise problem(f'{shown(value)} given; allowed: {self.rule}, for example "{self.example}"')
        return value


@dataclass(frozen=True)
class Day:
    """A TOML date, written without quotes."""

    example: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self.read,
            serialization=core_schema.plain_serializer_function_ser_schema(
                date.isoformat, when_used="json-unless-none"
            ),
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "format": "date", "examples": [self.example], "description": "a date without quotes"}

    def read(self, value: object) -> date:
        """Get the date of a TOML value."""
        if isinstance(value, date) and not isinstance(value, datetime):
            return value
        raise problem(f"{shown(value)} given; allowed: a date without quotes and time, for example {self.example}")


@dataclass(frozen=True)
class Choice:
    """One word of a short list."""

    words: tuple[str, ...]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.words)}

    @property
    def example(self) -> str:
        """Get the first word."""
        return self.words[0]

    def read(self, value: object) -> str:
        """Get the word of a TOML value."""
        if isinstance(value, str) and value in self.words:
            return value
        allowed = ", ".join(f'"{word}"' for word in self.words)
        raise problem(f"{shown(value)} given; allowed: {allowed}{did_you_mean(value, self.words)}")


@dataclass(frozen=True)
class Switch:
    """Yes or no, as TOML writes them."""

    example = True

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "boolean"}

    def read(self, value: object) -> bool:
        """Get the truth of a TOML value."""
        if isinstance(value, bool):
            return value
        raise problem(f"{shown(value)} given; allowed: true or false, without quotes")
