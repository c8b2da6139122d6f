"""Where the rows of a run go when its own folder takes them no longer: a folder of this computer.

``<state folder of the user>/spill/<run>~<checksum of the run's header>/run.wal`` holds the frame of the header and
then the frames that the journal lacks. `bring_home` puts them where they belong, as soon as that can be reached.
"""

import gzip
import json
import mmap
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_state_path

from xraydaq.errors import StorageError
from xraydaq.storage.disk import JOURNAL, JOURNAL_PACKED, replace_file, sync_path
from xraydaq.storage.frames import CHECKSUM, HEADER, Frame, FrameType, frame_size, scan
from xraydaq.storage.journal import JournalFile

PLACE = "XRAYDAQ_SPILL"
"""Name of the environment variable with another place than the user's state folder."""
BELONGS_TO = "belongs_to.json"
INCOMPLETE = ".incomplete"
MOST_SPILLS = 100


class Gap(StorageError):
    """The journal has lost frames that the spill counts on; both are kept."""


def spill_place() -> Path:
    """Get the folder that all spills of this user are in."""
    place = os.environ.get(PLACE)
    return Path(place) if place else user_state_path("xraydaq", appauthor=False) / "spill"


class Spill:
    """The spill of a run that is being written. `next_sequence` is the number of the frame that it takes next."""

    def __init__(self, folder: Path, head: bytes, first_sequence: int) -> None:
        """Make it.

        Raises:
            StorageError: it cannot be made, or not be made safe.
        """
        try:
            self.path = _new_place(f"{folder.name}~{_checksum(head):08x}")
            about = {"folder": str(folder), "first_frame": first_sequence, "pid": os.getpid()}
            (self.path / BELONGS_TO).write_text(json.dumps(about) + "\n")
            self.journal = JournalFile.create(self.path / JOURNAL)
            self.journal.write(head)
            self.journal.sync()
            sync_path(self.path / BELONGS_TO)
            sync_path(self.path)
            sync_path(self.path.parent)
        except OSError as error:
            raise StorageError(f"{spill_place()}: {error.strerror}") from error
        self.next_sequence = first_sequence

    def remove(self) -> None:
        """Remove it: the run's own folder has everything."""
        self.journal.close()
        shutil.rmtree(self.path, ignore_errors=True)


def _new_place(name: str) -> Path:
    spill_place().mkdir(parents=True, exist_ok=True)
    for number in range(1, MOST_SPILLS):
        path = spill_place() / (name if number == 1 else f"{name}-{number}")
        try:
            path.mkdir()
        except FileExistsError:
            continue
        return path
    raise StorageError(f"{spill_place() / name}: {MOST_SPILLS} spills of this run exist")


def _checksum(head: bytes) -> int:
    return int(CHECKSUM.unpack_from(head, len(head) - CHECKSUM.size)[0])


@dataclass(frozen=True)
class Waiting:
    """A spill on the disk; `folder` is where its run belongs."""

    path: Path
    folder: Path


def waiting_spills() -> list[Waiting]:
    """List what waits to be brought home."""
    if not spill_place().is_dir():
        return []
    return [Waiting(path, _belongs_to(path)) for path in sorted(spill_place().iterdir()) if (path / JOURNAL).exists()]


def _belongs_to(path: Path) -> Path:
    try:
        return Path(json.loads((path / BELONGS_TO).read_text())["folder"])
    except (OSError, ValueError, KeyError, TypeError):
        return Path(path.name.rpartition("~")[0])


def spills_of(folder: Path) -> list[Path]:
    """Find the spills of the run in `folder`, wherever that was mounted when it was measured; the oldest first."""
    folder = folder.resolve()
    found = [each.path for each in waiting_spills() if each.path.name.startswith(f"{folder.name}~")]
    if not found:
        return []
    head = _first_frame(folder)
    if head is None:
        return [path for path in found if _belongs_to(path) == folder]
    return [path for path in found if path.name.startswith(f"{folder.name}~{_checksum(head):08x}")]


def _first_frame(folder: Path) -> bytes | None:
    for path, opener in ((folder / JOURNAL, open), (folder / JOURNAL_PACKED, gzip.open)):
        try:
            with opener(path, "rb") as file:
                start = file.read(HEADER.size)
                data = start + file.read(frame_size(start) - HEADER.size) if len(start) == HEADER.size else b""
        except (OSError, EOFError):
            continue
        return data if next(scan(data), None) is not None else None
    return None


def bring_home(folder: Path) -> bool:
    """Put the spilled frames of a run into its journal and remove the spill; returns whether there was anything new.

    Only for the owner of `folder`. May be cut off at any point and done again. A result that was built without these
    rows gets the ending ``.incomplete``.

    Raises:
        Gap: the journal has lost frames before those of the spill; both are as they were.
        StorageError: the journal cannot be written; the spill is kept.
    """
    found = [_bring_one(folder, path) for path in spills_of(folder)]
    return any(found)


def _bring_one(folder: Path, spill: Path) -> bool:
    try:
        data = (spill / JOURNAL).read_bytes()
        first, frames = _spilled(data)
        is_new = bool(frames) and _append(folder, first, frames, spill)
        shutil.rmtree(spill)
        sync_path(spill.parent)
    except OSError as error:
        raise StorageError(
            f"{folder}: the rows in {spill} cannot be put into it: {error.strerror or error}"
        ) from error
    return is_new


def _spilled(data: bytes) -> tuple[int, list[bytes]]:
    head = next(scan(data), None)
    rest = b"" if head is None else data[head.end :]
    if len(rest) < HEADER.size:
        return 0, []
    first = int(HEADER.unpack_from(rest)[3])
    starts_and_ends = _pairs(scan(rest, first))
    return first, [rest[start:end] for start, end in starts_and_ends]


def _pairs(frames: Iterator[Frame]) -> Iterator[tuple[int, int]]:
    start = 0
    for frame in frames:
        yield start, frame.end
        start = frame.end


def _append(folder: Path, first: int, frames: list[bytes], spill: Path) -> bool:
    known = _journal_bytes(folder)
    place, count, is_ended = _whole_frames(known, first)
    if is_ended or count >= first + len(frames):
        return False
    if place is None:
        raise Gap(f"{folder}: the journal ends before frame {count}; that of {spill} begins at {first}")
    result = folder / f"{folder.name}.h5"
    if result.exists():
        result.replace(result.with_name(result.name + INCOMPLETE))
    if not (folder / JOURNAL).exists():
        _unpack(folder, known[:place])
    journal = JournalFile.go_on(folder / JOURNAL, place)
    try:
        for frame in frames:
            journal.write(frame)
        journal.sync()
    finally:
        journal.close()
    return True


def _journal_bytes(folder: Path) -> bytes | mmap.mmap:
    if (folder / JOURNAL).exists():
        with (folder / JOURNAL).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            return mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) if size else b""
    from xraydaq.storage.contents import unpacked  # loads numpy, which a process that acquires does without

    return unpacked(folder / JOURNAL_PACKED)


def _unpack(folder: Path, known: bytes) -> None:
    temporary = folder / f"{JOURNAL}.{os.getpid()}.part"
    temporary.write_bytes(known)
    replace_file(temporary, folder / JOURNAL, read_only=False)
    (folder / JOURNAL_PACKED).unlink()
    sync_path(folder)


def _whole_frames(journal: bytes | mmap.mmap, sequence: int) -> tuple[int | None, int, bool]:
    """Find where frame `sequence` begins or would begin (None: frames before it are missing), the count, the END."""
    place, count, kind = (0 if sequence == 0 else None), 0, None
    with memoryview(journal) as view:
        for frame in scan(view):
            count, kind = count + 1, frame.type
            if count == sequence:
                place = frame.end
            frame.payload.release()
    return place, count, kind is FrameType.END
