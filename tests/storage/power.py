"""A disk that forgets: what was asked of the operating system, and what a power cut would leave of it.

The rules are those of POSIX and of a journalling file system: data is there after a sync of its file, a name after a
sync of its folder; changes of names happen in their order; data never synced may be there in any sectors or none.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path

SECTOR_BYTES = 512


@dataclass
class Recording:
    """Calls in their order: ``(name, path, details)``."""

    calls: list[tuple] = field(default_factory=list)

    def of(self, path):
        """Get the calls that concern one file."""
        return [call for call in self.calls if call[1] == path]


def record(monkeypatch):
    """Let every call through and write down those that change what is on the disk."""
    recording, paths, real = Recording(), {}, {}

    def watch(name, note):
        real[name] = getattr(os, name)

        def call(*arguments, **options):
            value = real[name](*arguments, **options)
            note(value, *arguments)
            return value

        monkeypatch.setattr(os, name, call)

    def note_open(descriptor, path, *_):
        paths[descriptor] = Path(path)

    def note_write(written, descriptor, data):
        recording.calls.append(("write", paths.get(descriptor), bytes(data[:written])))

    def note_sync(_, descriptor):
        path = paths.get(descriptor)
        content = path.read_bytes() if path is not None and path.is_file() else None
        recording.calls.append(("sync", path, content))

    watch("open", note_open)
    watch("write", note_write)
    watch("ftruncate", lambda _, descriptor, size: recording.calls.append(("cut", paths.get(descriptor), size)))
    watch("fsync", note_sync)
    watch("fdatasync", note_sync)
    for name in ("replace", "rename"):
        watch(name, lambda _, source, target: recording.calls.append(("rename", Path(source), Path(target))))
    watch("unlink", lambda _, path, *__: recording.calls.append(("unlink", Path(path), None)))
    return recording


def file_after_cut(calls, rng):
    """Build an appended file as a power cut behind `calls` may leave it: any part of what was not synced."""
    synced, waiting = b"", b""
    for name, _, details in calls:
        if name == "write":
            waiting += details
        elif name == "cut":
            synced, waiting = synced[:details], (synced + waiting)[len(synced[:details]) : details]
        elif name == "sync":
            synced, waiting = synced + waiting, b""
    waiting = waiting[: rng.randint(0, len(waiting))]
    sectors = [waiting[at : at + SECTOR_BYTES] for at in range(0, len(waiting), SECTOR_BYTES)]
    return synced + b"".join(sector if rng.random() < 0.7 else bytes(len(sector)) for sector in sectors)


def folders_after_cuts(folder, files, calls):
    """Yield, after each of `calls`, every content by name that a power cut may leave `folder` with.

    The first of each list is what is safe for sure. `files` are safe before the first call. A file that gets a name
    without having been synced is empty.
    """
    names, changes, synced = dict(files), [], {folder / name: data for name, data in files.items()}
    yield [dict(names)]
    for kind, path, details in calls:
        if kind == "sync" and path == folder:
            names = _applied(names, changes)
            changes = []
        elif kind == "sync":
            synced[path] = details
        elif kind == "rename":
            synced[details] = synced.pop(path, b"")
            changes.append((details.name, synced[details]))
        elif kind == "unlink":
            changes.append((path.name, None))
        yield [_applied(names, changes[:count]) for count in range(len(changes) + 1)]


def _applied(names, changes):
    after = names | dict(changes)
    return {name: data for name, data in after.items() if data is not None}
