"""The line protocol of the bridge, server side: framing, checksum, requests."""

import re
from dataclasses import dataclass
from functools import reduce
from operator import xor

LONGEST_BYTES = 512
"""Including the LF."""

CHECKSUM, LINE, MALFORMED = 10, 11, 12
UNKNOWN_VERB, BAD_VALUE, UNKNOWN_KEY, WRONG_STATE, NOT_SUPPORTED = 20, 21, 22, 23, 24
NOT_CONNECTED, SENSOR_MISSING, BUSY = 30, 31, 34
HIGHEST_ID = 65535

_CHECKED = re.compile(r"(?P<body>.*)\*(?P<sum>[^*]*)", re.DOTALL)
_REQUEST = re.compile(r"@(?P<id>[1-9]\d{0,4}) (?P<verb>[A-Z]+\??)( (?P<pairs>\S.*))?", re.ASCII)
_ID = re.compile(r"@([1-9]\d{0,4})(?!\d)", re.ASCII)
_PAIR = re.compile(r"(?P<key>[A-Za-z_]\w*)=(?P<value>[^,=*@]+)", re.ASCII)


class RequestError(Exception):
    """A request that is answered with an error; `request_id` is 0 when the line does not tell."""

    def __init__(self, code: int, text: str, request_id: int = 0) -> None:
        self.code = code
        self.text = text
        self.request_id = request_id
        super().__init__(f"{code},{text}")


@dataclass(frozen=True, slots=True)
class Request:
    """One request."""

    id: int
    verb: str
    values: dict[str, str]
    was_checked: bool


def with_checksum(text: str) -> str:
    """Append the checksum."""
    return f"{text}*{reduce(xor, text.encode(), 0):02X}"


def parse(line: bytes, *, must_check: bool) -> Request:
    """Read a line without its LF.

    Raises:
        RequestError: if it is not a request.
    """
    line = line.removesuffix(b"\r")
    if len(line) >= LONGEST_BYTES or any(not 32 <= byte <= 126 for byte in line):
        raise RequestError(LINE, "line too long or not ASCII")
    text = line.decode("ascii")
    checked = _CHECKED.fullmatch(text)
    body = text if checked is None else checked["body"]
    request_id = _request_id(body)
    if (checked is None and must_check) or (checked is not None and with_checksum(body) != text):
        raise RequestError(CHECKSUM, "checksum wrong", request_id)
    match = _REQUEST.fullmatch(body)
    if match is None or request_id == 0:
        raise RequestError(MALFORMED, "malformed line", request_id)
    return Request(request_id, match["verb"], _values(match["pairs"], request_id), checked is not None)


def _request_id(body: str) -> int:
    match = _ID.match(body)
    number = 0 if match is None else int(match[1])
    return number if number <= HIGHEST_ID else 0


def _values(pairs: str | None, request_id: int) -> dict[str, str]:
    values: dict[str, str] = {}
    for text in [] if pairs is None else pairs.split(","):
        match = _PAIR.fullmatch(text)
        if match is None or match["key"] in values:
            raise RequestError(MALFORMED, "malformed line", request_id)
        values[match["key"]] = match["value"]
    return values
