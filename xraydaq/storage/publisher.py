"""Keeps the live view of one run: ``python -m xraydaq.storage.publisher FOLDER``.

Started by the acquiring process, whose end it sees as the end of its standard input. It only reads the journal;
whatever happens here, the run goes on.
"""

import os
import select
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from xraydaq.errors import StorageError

if TYPE_CHECKING:
    from xraydaq.storage.live import LiveFile
    from xraydaq.storage.tail import JournalTail

FLUSH_S = 1.0
POLL_BYTES = 64 * 1024
EXIT_NO_JOURNAL = 6
EXIT_LIVE_VIEW_LOST = 1


def main() -> None:
    """Publish until the run has ended or its owner is gone."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    folder = Path(sys.argv[1])
    if _owner_gone(0.0):
        return  # a run of a few milliseconds: nobody can have watched it
    from xraydaq.storage.tail import tail_journal

    try:
        with tail_journal(folder) as tail:
            publish(folder, tail)
    except StorageError:
        sys.exit(EXIT_NO_JOURNAL)


def publish(folder: Path, tail: "JournalTail") -> None:
    """Keep the live file of `folder`. Never returns after an error of HDF5: the process ends without closing it."""
    from xraydaq.storage.live import LiveFile

    live: LiveFile | None = None
    try:
        live = LiveFile.create(folder, tail.header)
        is_last = False
        while not (is_last or tail.ended):
            is_last = _owner_gone(FLUSH_S if live.rows else 0.1)
            _copy_new(tail, live)
            live.flush()
        live.flush(tail.state if tail.ended else "interrupted")
        live.close()
    except Exception:  # HDF5 raises nearly anything, and after any of it the file must not be touched
        if live is not None:
            live.abandon()
        os._exit(EXIT_LIVE_VIEW_LOST)


def _copy_new(tail: "JournalTail", live: "LiveFile") -> None:
    while True:
        update = tail.poll(POLL_BYTES)
        if update.events:
            live.append_events(update.events)
        if update.rows:
            live.append(list(update.columns.values()))
        if not (update.rows or update.events or update.blocks):
            return


def _owner_gone(timeout_s: float) -> bool:
    """Wait up to `timeout_s` for the end of standard input, which is a pipe nobody writes to."""
    readable, _, _ = select.select([sys.stdin.fileno()], [], [], timeout_s)
    return bool(readable) and os.read(sys.stdin.fileno(), 1) == b""


if __name__ == "__main__":
    main()
