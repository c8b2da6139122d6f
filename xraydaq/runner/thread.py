"""Runs a pymeasure procedure in a thread: the one place that relies on pymeasure's hooks.

Used of pymeasure 0.16: a procedure reports through its attributes ``emit(topic, record)`` and ``should_stop()``, and
has ``startup``, ``execute`` and ``shutdown``. The stock ``Worker`` is not used: it announces the failure of a run
before the way back is taken, waits for ever when ``shutdown`` raises, and writes CSV.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from procedures.base import BenchProcedure
from xraydaq.errors import StoppedByUser

ASKING_S = 0.1
"""How often somebody who waits for a person's answer looks whether the run is to stop."""


def stoppable(ask: Callable[[str], str], stop: threading.Event) -> Callable[[str], str]:
    """Get an `ask` that a stop ends: what waits for the answer must not keep the way back from being taken."""

    def asked(text: str) -> str:
        answers: list[str] = []

        def question() -> None:
            with suppress(OSError, EOFError):  # a terminal that is gone is no answer
                answers.append(ask(text))

        asking = threading.Thread(target=question, name="question", daemon=True)
        asking.start()
        while asking.is_alive():
            asking.join(ASKING_S)
            if stop.is_set():
                raise StoppedByUser("stopped by request, while a person was asked")
        return answers[0] if answers else ""

    return asked


class ProcedureThread(threading.Thread):
    """Executes ``startup``, ``execute`` and, whatever happens, ``shutdown``.

    `error` is what ended the procedure, None when it ran to its end; `turned_back` tells that the way back was begun.
    """

    def __init__(
        self, procedure: BenchProcedure, on_row: Callable[[dict[str, Any]], None], stop: threading.Event
    ) -> None:
        super().__init__(name="procedure", daemon=True)
        self.procedure = procedure
        self.error: BaseException | None = None
        self.turned_back = False
        self._on_row = on_row
        procedure.emit = self._emit
        procedure.should_stop = stop.is_set

    def run(self) -> None:
        """Run the procedure to its end and take the way back."""
        try:
            self.procedure.startup()
            self.procedure.execute()
        except BaseException as error:
            self.error = error
        finally:
            self.turned_back = True
            self.procedure.shutdown()

    def _emit(self, topic: str, record: Any) -> None:
        if topic == "results":
            self._on_row(record)
