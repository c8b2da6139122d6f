import random
from itertools import pairwise

import numpy as np
import pytest

from xraydaq.errors import StorageError
from xraydaq.storage import read_run, recover, tail_journal
from xraydaq.storage.contents import CHUNK_BYTES, replay
from xraydaq.storage.frames import FrameType, scan

RANDOM_BYTES = random.Random(3).randbytes(64)


@pytest.fixture
def journal(full_run):
    """The journal of a whole run and where its frames end, from 0 on."""
    data = (full_run / "run.wal").read_bytes()
    return data, [0, *(frame.end for frame in scan(data))]


@pytest.fixture
def rebuilt(tmp_path):
    """Put a journal into a folder of its own."""

    def put(data, name="run.wal"):
        folder = tmp_path / f"rebuilt-{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        (folder / name).write_bytes(data)
        return folder

    return put


@pytest.fixture
def long_journal(finished_run):
    """A journal of more than one reading of the file, and the offset of its second frame of rows."""
    folder = finished_run(rows=4 * CHUNK_BYTES // 36)
    data = (folder / "run.wal").read_bytes()
    rows = [frame for frame in scan(data) if frame.type is FrameType.ROWS]
    assert len(data) > CHUNK_BYTES + rows[1].end
    return data, rows[0].end, len(rows[0].payload) // 36


def rows_in(data):
    return sum(len(frame.payload) // 36 for frame in scan(data) if frame.type is FrameType.ROWS)


def test_a_journal_cut_between_frames_keeps_every_frame_before_the_cut(journal, rebuilt, row):
    data, ends = journal
    for end in ends[1:]:
        run = read_run(rebuilt(data[:end]))
        assert run.rows == rows_in(data[:end])
        assert run.columns["current"].tolist() == [row(i)[2] for i in range(run.rows)]
        assert run.state == ("stopped" if end == len(data) else "interrupted")


def test_a_journal_cut_inside_a_frame_is_that_of_the_frame_before(journal, rebuilt):
    data, ends = journal
    rng = random.Random(1)
    for start, end in list(pairwise(ends))[1:]:
        for cut in (start + 1, start + 19, rng.randrange(start + 1, end), end - 1):
            run = read_run(rebuilt(data[:cut]))
            assert (run.rows, run.state) == (rows_in(data[:start]), "interrupted")


def test_a_journal_cut_before_its_header_is_no_run_and_no_crash(journal, rebuilt):
    data, ends = journal
    for cut in (0, 1, 19, ends[1] - 1):
        folder = rebuilt(data[:cut])
        with pytest.raises(StorageError, match="no header"):
            read_run(folder)
        report = recover(folder)
        assert (report.result, report.built, report.rows) == (None, False, 0)
        assert (folder / "run.wal").read_bytes() == data[:cut]


@pytest.mark.parametrize("garbage", [b"\0", b"\0" * 5000, b"LWAL", b"LWAL" + b"\xff" * 40, RANDOM_BYTES])
def test_garbage_behind_the_frames_changes_nothing(journal, rebuilt, garbage):
    data, ends = journal
    cut = rebuilt(data[: ends[-2]] + garbage)
    assert (read_run(cut).rows, read_run(cut).state) == (100, "interrupted")
    ended = rebuilt(data + garbage)
    assert (read_run(ended).rows, read_run(ended).state) == (100, "stopped")


def test_frames_behind_the_end_or_a_second_header_are_not_there(journal, rebuilt):
    data, ends = journal
    first = data[: ends[1]]
    assert read_run(rebuilt(data + data)).rows == 100
    assert read_run(rebuilt(first + data)).rows == 0


def test_a_wrong_bit_in_a_long_journal_ends_it_there(long_journal, rebuilt):
    data, offset, rows_before = long_journal
    damaged = bytearray(data)
    damaged[offset + 1000] ^= 1
    run = read_run(rebuilt(bytes(damaged)))
    assert (run.rows, run.state) == (rows_before, "interrupted")


def test_damage_in_a_packed_journal_costs_nothing_before_it(finished_run, rebuilt, row):
    folder = finished_run(rows=30_000)
    recover(folder)
    packed = (folder / "run.wal.gz").read_bytes()
    rng = random.Random(2)
    for share in (0.3, 0.6, 0.9):
        damaged = bytearray(packed)
        at = int(len(packed) * share)
        damaged[at : at + 64] = rng.randbytes(64)
        run = read_run(rebuilt(bytes(damaged), "run.wal.gz"))
        assert 30_000 * share - 256 * 1024 // 36 * 2 < run.rows < 30_000
        assert run.columns["current"].tolist() == [row(i)[2] for i in range(run.rows)]


def test_a_packed_journal_that_is_cut_off_gives_its_whole_frames(finished_run, rebuilt):
    folder = finished_run(rows=30_000)
    recover(folder)
    packed = (folder / "run.wal.gz").read_bytes()
    run = read_run(rebuilt(packed[: len(packed) // 2], "run.wal.gz"))
    assert 0 < run.rows < 30_000
    assert run.state == "interrupted"


def test_a_journal_that_grows_byte_by_byte_is_followed_frame_by_frame(journal, rebuilt, row):
    data, ends = journal
    folder = rebuilt(data[: ends[1]])
    current, events, blocks = [], [], []
    with tail_journal(folder) as tail, (folder / "run.wal").open("ab", buffering=0) as file:
        for offset in range(ends[1], len(data)):
            assert not tail.ended
            file.write(data[offset : offset + 1])
            update = tail.poll()
            assert bool(update.rows or update.events or update.blocks) <= (offset + 1 in ends)
            current += update.columns["current"].tolist()
            events += update.events
            blocks += update.blocks
        assert tail.rows == 100
        assert (tail.state, tail.reason, tail.ended) == ("stopped", "by the user", True)
    assert current == [row(i)[2] for i in range(100)]
    assert [event.kind for event in events] == ["phase", "reply"]
    assert [block.name for block in blocks] == ["asd", "counts"]


def test_a_tail_gives_no_more_at_once_than_it_is_asked_for(long_journal, rebuilt):
    data, _, _ = long_journal
    with tail_journal(rebuilt(data)) as tail:
        polled = [tail.poll(max_bytes=1).rows for _ in range(5)]
        assert tail.rows == sum(polled) == rows_in(data)
        assert polled[1] > 0
        assert all(rows * 36 <= CHUNK_BYTES for rows in polled[1:])


def test_a_frame_larger_than_one_reading_is_read_whole(open_run, row):
    burst = np.arange(CHUNK_BYTES, dtype="f8")
    with open_run() as writer:
        writer.append(row(0))
        writer.block("burst", {}, burst)
        writer.append(row(1))
    contents = replay(writer.folder / "run.wal")
    assert contents.rows == 2
    np.testing.assert_array_equal(contents.blocks[0].values, burst)


def test_a_tail_of_a_living_run_sees_what_is_committed_and_who_lives(open_run, row):
    with open_run(batch=False) as writer, tail_journal(writer.folder) as tail:
        assert tail.header.run_id == writer.folder.name
        assert tail.poll().rows == 0
        writer.append(row(0))
        assert tail.poll().columns["current"].tolist() == [0.0]
        writer.instrument("smu", {"idn": "A"})
        tail.poll()
        assert tail.instruments == {"smu": {"idn": "A"}}
        assert tail.state == "running"
        writer.close()
        assert tail.state == "interrupted"


def test_a_tail_goes_on_while_the_result_is_built_and_the_journal_packed(finished_run):
    folder = finished_run()
    with tail_journal(folder) as tail:
        recover(folder)
        assert not (folder / "run.wal").exists()
        assert tail.poll().rows == 100
        assert tail.state == "finished"
    with tail_journal(folder) as late:
        assert late.poll().rows == 100


def test_a_folder_without_a_journal_cannot_be_followed(tmp_path, rebuilt):
    with pytest.raises(StorageError, match="no journal"):
        tail_journal(tmp_path)
    with pytest.raises(StorageError, match="no header"):
        tail_journal(rebuilt(b"LWAL"))
