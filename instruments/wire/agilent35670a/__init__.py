"""The words of the Agilent 35670A: bytes into frozen values and back."""

from instruments.wire.agilent35670a.text import (
    LONGEST_MESSAGE,
    ErrorMessage,
    format_number,
    message,
    parse_error,
    parse_identity,
    parse_number,
    parse_string,
    parse_whole,
    single_line,
)
from instruments.wire.agilent35670a.trace import BlockReader, parse_block, parse_rows
from instruments.wire.replies import Identity, parse_name

__all__ = [
    "LONGEST_MESSAGE",
    "BlockReader",
    "ErrorMessage",
    "Identity",
    "format_number",
    "message",
    "parse_block",
    "parse_error",
    "parse_identity",
    "parse_name",
    "parse_number",
    "parse_rows",
    "parse_string",
    "parse_whole",
    "single_line",
]
