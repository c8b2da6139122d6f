"""The error queue and its messages (GPIB Programming with the Agilent 35670A, appendix on error messages)."""

from collections import deque

TEXTS = {
    0: "No error",
    -101: "Invalid character", -102: "Syntax error", -104: "Data type error", -108: "Parameter not allowed",
    -109: "Missing parameter", -113: "Undefined header", -131: "Invalid suffix", -148: "Character data not allowed",
    -151: "Invalid string data", -213: "Init ignored", -220: "Parameter error", -221: "Settings conflict",
    -222: "Data out of range", -224: "Illegal parameter value", -230: "Data corrupt or stale",
    -241: "Hardware missing", -310: "System error", -350: "Queue overflow", -410: "Query INTERRUPTED",
    -420: "Query UNTERMINATED", -430: "Query DEADLOCKED", -440: "Query UNTERMINATED after indefinite response",
}  # fmt: skip
DEPTH = 5
INIT_IGNORED, ILLEGAL, STALE, MISSING_HARDWARE, OVERFLOW = -213, -224, -230, -241, -350
INVALID_CHARACTER, INVALID_SUFFIX = -101, -131
INTERRUPTED, UNTERMINATED, DEADLOCKED, AFTER_INDEFINITE = -410, -420, -430, -440


class ErrorQueue:
    """First in, first out, five deep; the oldest stay, and the last place tells that it was not enough."""

    def __init__(self) -> None:
        self._codes: deque[int] = deque()

    def push(self, code: int) -> None:
        """Add an error."""
        if len(self._codes) < DEPTH:
            self._codes.append(code)
        else:
            self._codes[-1] = OVERFLOW

    def pop(self) -> str:
        """Take out the oldest message, ``+0,"No error"`` when there is none."""
        code = self._codes.popleft() if self._codes else 0
        return f'{code:+d},"{TEXTS[code]}"'

    def clear(self) -> None:
        """Forget everything."""
        self._codes.clear()
