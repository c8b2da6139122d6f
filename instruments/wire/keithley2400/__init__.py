"""The words of the Keithley 2400: bytes into frozen values and back."""

from instruments.wire.keithley2400.reading import Reading
from instruments.wire.keithley2400.rows import (
    BLOCK_HEADER,
    CLOCK_WRAP_S,
    ELEMENTS,
    ByteOrder,
    block_size,
    parse_block,
    parse_readings,
)
from instruments.wire.keithley2400.text import (
    ErrorMessage,
    format_level_list,
    format_number,
    parse_boolean,
    parse_error,
    parse_identity,
    parse_names,
    parse_number,
    parse_register,
    parse_whole,
    single_line,
)
from instruments.wire.replies import Identity, parse_name

__all__ = [
    "BLOCK_HEADER",
    "CLOCK_WRAP_S",
    "ELEMENTS",
    "ByteOrder",
    "ErrorMessage",
    "Identity",
    "Reading",
    "block_size",
    "format_level_list",
    "format_number",
    "parse_block",
    "parse_boolean",
    "parse_error",
    "parse_identity",
    "parse_name",
    "parse_names",
    "parse_number",
    "parse_readings",
    "parse_register",
    "parse_whole",
    "single_line",
]
