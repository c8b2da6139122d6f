"""The end of a run whose disk failed: an END behind what is safe, and the spill brought home if that is possible."""

import json
import logging
import threading
from pathlib import Path

from xraydaq.errors import StorageError
from xraydaq.storage.frames import FrameType
from xraydaq.storage.journal import JournalFile
from xraydaq.storage.keeper import Keeper
from xraydaq.storage.model import EndState
from xraydaq.storage.outbox import Outbox
from xraydaq.storage.spill import bring_home

log = logging.getLogger(__name__)

BRING_HOME_S = 10.0


def end_payload(state: EndState, reason: str, rows: int) -> bytes:
    """Get the payload of an END frame."""
    return json.dumps({"state": state, "reason": reason, "rows": rows}).encode()


def write_short_end(outbox: Outbox, keeper: Keeper, home: JournalFile | None, reason: str) -> EndState:
    """Write an END that says what is missing, when neither the run's folder nor the spill took the last frames.

    `home` is the run's own journal, None while a call to its disk has not returned.

    Raises:
        StorageError: not even that can be written; the run is then `interrupted`.
    """
    target = home if keeper.spill is None else keeper.spill.journal
    if target is None:
        raise StorageError(f"no END could be written: {keeper.trouble}")
    lost = outbox.rows - outbox.safe_rows
    what = f"{lost} rows could not be stored" if lost else "the last events could not be stored"
    state: EndState = "interrupted" if keeper.interruption else "failed"
    with outbox.lock:
        outbox.forget_unsafe()
        outbox.add(FrameType.END, end_payload(state, "; ".join(filter(None, [what, reason])), outbox.rows))
        (frame,) = outbox.frames_from(outbox.safe_next)
    target.write(frame.data)
    target.sync()
    outbox.note_safe(frame, at_home=target is home)
    return state


def bring_home_in_time(folder: Path) -> bool:
    """Try to put the spilled rows of a run into its own folder; returns whether the folder is left alone again.

    What does not work now is done by ``xraydaq recover``.
    """

    def act() -> None:
        try:
            bring_home(folder)
        except StorageError as error:
            log.warning("%s; xraydaq recover will do it", error)

    bringing = threading.Thread(target=act, name="bring home", daemon=True)
    bringing.start()
    bringing.join(BRING_HOME_S)
    return not bringing.is_alive()
