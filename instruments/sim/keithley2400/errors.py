"""The error queue and its messages (User's Manual, appendix on status and error messages)."""

from collections import deque

TEXTS = {
    0: "No error",
    -101: "Invalid character", -102: "Syntax error", -104: "Data type error", -108: "Parameter not allowed",
    -109: "Missing parameter", -113: "Undefined header", -148: "Character data not allowed",
    -151: "Invalid string data", -220: "Parameter error", -221: "Settings conflict",
    -222: "Parameter data out of range", -230: "Data corrupt or stale", -350: "Queue overflow",
    -363: "Input buffer overrun", -410: "Query INTERRUPTED", -420: "Query UNTERMINATED",
    701: "ASCII only with RS-232", 800: "Illegal with storage active", 802: "OUTPUT blocked by output enable",
    803: "Not permitted with OUTPUT off", 822: "Too small for sense range", 823: "Invalid with source read-back on",
    824: "Cannot exceed compliance range", 826: "Attempt to exceed power limit", 830: "Invalid with INF ARM:COUNT",
}  # fmt: skip
DEPTH = 10
OVERFLOW = -350


class ErrorQueue:
    """First in, first out, ten deep; what does not fit turns the last place into "Queue overflow"."""

    def __init__(self) -> None:
        self._codes: deque[int] = deque()

    def push(self, code: int) -> None:
        """Add an error."""
        if len(self._codes) < DEPTH:
            self._codes.append(code)
        else:
            self._codes[-1] = OVERFLOW

    def pop(self) -> str:
        """Take out the oldest message, ``0,"No error"`` when there is none."""
        return message(self._codes.popleft() if self._codes else 0)

    def pop_code(self) -> str:
        """Take out the oldest code."""
        return str(self._codes.popleft() if self._codes else 0)

    def pop_all(self, only_codes: bool = False) -> str:
        """Take out everything."""
        codes = list(self._codes) or [0]
        self._codes.clear()
        return ",".join(str(code) if only_codes else message(code) for code in codes)

    def clear(self) -> None:
        """Forget everything."""
        self._codes.clear()

    def __len__(self) -> int:
        return len(self._codes)


def message(code: int) -> str:
    """Write a code with its text; positive codes without a sign (assumed: it depends on the firmware)."""
    return f'{code},"{TEXTS[code]}"'
