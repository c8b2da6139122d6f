"""Disks that are full or do not answer: the calls to the operating system that would meet them, and no others."""

import errno
import os
import threading
from pathlib import Path


class Disk:
    """Decides what happens to writes and syncs of files below one folder; all others go through."""

    def __init__(self, folder: Path, monkeypatch) -> None:
        self._folder = str(folder)
        self._real = {name: getattr(os, name) for name in ("write", "fdatasync")}
        self.room = None
        self._counting = threading.Lock()
        self.answers = threading.Event()
        self.answers.set()
        monkeypatch.setattr(os, "write", self._write)
        monkeypatch.setattr(os, "fdatasync", self._sync)

    def fill(self, room_bytes: int) -> None:
        """Let the disk take so many bytes more."""
        self.room = room_bytes

    def _is_here(self, descriptor):
        return str(Path(f"/proc/self/fd/{descriptor}").readlink()).startswith(self._folder)

    def _write(self, descriptor, data):
        room = self.room  # once: the test may give the disk room at any moment
        if room is not None and self._is_here(descriptor):
            if room <= 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            data = bytes(data)[:room]
            with self._counting:
                self.room = None if self.room is None else self.room - len(data)
        return self._real["write"](descriptor, data)

    def _sync(self, descriptor):
        if self._is_here(descriptor):
            self.answers.wait()
        return self._real["fdatasync"](descriptor)
