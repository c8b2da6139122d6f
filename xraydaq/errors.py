"""Every error a user can meet, and the exit code a process ends with because of it.

======  ==========================================
code    meaning
======  ==========================================
0       done
1       the run failed
2       configuration
3       safety trip
4       instrument missing or lost
5       resource busy
6       storage
7       stopped by the user
8       refused
9       not shown to be off
70      a bug in this program
129     SIGHUP, 130 SIGINT, 143 SIGTERM: stopped by that signal, after the way back
======  ==========================================
"""

from typing import ClassVar

EXIT_DONE = 0
EXIT_NOT_OFF = 9
"""Of `xraydaq off`: something is on, or nothing shows that it is off."""

EXIT_BUG = 70


class XraydaqError(Exception):
    """Base of all errors that are shown to a user in one sentence, without a traceback."""

    exit_code: ClassVar[int] = 1


class RunFailed(XraydaqError):
    """The run ended before its plan was fulfilled."""


class ConfigError(XraydaqError):
    """Configuration text that cannot be used; `problems` holds one line per mistake."""

    exit_code = 2

    def __init__(self, *problems: str) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class UnitError(XraydaqError, ValueError):
    """A text that is not a quantity of the wanted dimension."""

    exit_code = 2


class LimitError(XraydaqError, ValueError):
    """A request outside a limit; nothing was sent to the instrument."""

    exit_code = 2


class SafetyTrip(XraydaqError):
    """A protective limit was crossed during a run (compliance with policy ``stop``, for one)."""

    exit_code = 3


class InstrumentError(XraydaqError):
    """An instrument is missing, lost, or answered something it must not answer."""

    exit_code = 4


class InstrumentTimeout(InstrumentError):
    """An instrument did not answer in time."""


class ConnectionFailed(InstrumentError):
    """The line to an instrument failed, or the computer's end of it: nothing can be sent or received."""


class WireError(InstrumentError):
    """Bytes that are not a message of the instrument; `data` holds them."""

    def __init__(self, message: str, data: bytes) -> None:
        self.data = data
        super().__init__(f"{message}: {data[:80]!r}{'...' if len(data) > 80 else ''}")


class BusyError(XraydaqError):
    """Another process holds the resource."""

    exit_code = 5


class StorageError(XraydaqError):
    """A run cannot be written or read."""

    exit_code = 6


class StoppedByUser(XraydaqError):
    """A person asked the run to stop."""

    exit_code = 7


class Refused(XraydaqError):
    """The request is understood and not allowed."""

    exit_code = 8
