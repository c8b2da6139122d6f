import pytest
from hypothesis import given
from hypothesis import strategies as st

from xraydaq.errors import StorageError
from xraydaq.storage.frames import MAGIC, FrameType, is_broken, pack, scan, seal, split_block
from xraydaq.storage.frames import pack_block as packed_block

payloads = st.lists(st.tuples(st.sampled_from(FrameType), st.binary(max_size=60)), max_size=6)


def journal(frames):
    return b"".join(pack(kind, index, payload) for index, (kind, payload) in enumerate(frames))


def read(data):
    return [(frame.type, bytes(frame.payload)) for frame in scan(data)]


def test_a_frame_is_laid_out_as_specified():
    frame = pack(FrameType.ROWS, 3, b"abc")
    assert frame[:20] == MAGIC + b"\x02\0\0\0" + b"\x03\0\0\0" + b"\x03\0\0\0\0\0\0\0"
    assert frame[20:23] == b"abc"
    assert len(frame) == 27


@given(payloads)
def test_frames_are_read_as_they_were_written(frames):
    assert read(journal(frames)) == frames


@given(payloads, st.data())
def test_a_journal_cut_anywhere_gives_exactly_its_whole_frames(frames, data):
    whole = journal(frames)
    cut = data.draw(st.integers(0, len(whole)))
    ends = [len(journal(frames[:count])) for count in range(len(frames) + 1)]
    assert read(whole[:cut]) == frames[: sum(end <= cut for end in ends) - 1]


@given(payloads, st.binary(max_size=100))
def test_garbage_behind_the_last_frame_is_not_there(frames, garbage):
    assert read(journal(frames) + b"\xff" + garbage) == frames


@given(payloads.filter(bool), st.data())
def test_a_changed_bit_ends_the_journal_at_its_frame(frames, data):
    whole = bytearray(journal(frames))
    position = data.draw(st.integers(0, len(whole) - 1))
    whole[position] ^= 1 << data.draw(st.integers(0, 7))
    ends = [len(journal(frames[:count])) for count in range(len(frames) + 1)]
    intact = max(index for index, end in enumerate(ends) if end <= position)
    assert read(bytes(whole)) == frames[:intact]


@given(st.binary(max_size=200))
def test_garbage_is_no_journal_and_no_error(garbage):
    assert all(frame.payload is not None for frame in scan(garbage))


def test_frames_out_of_sequence_are_not_read():
    data = pack(FrameType.ROWS, 0, b"a") + pack(FrameType.ROWS, 2, b"b")
    assert read(data) == [(FrameType.ROWS, b"a")]


@given(st.binary(max_size=20), st.integers(0, 44))
def test_the_start_of_a_frame_is_never_called_broken(payload, cut):
    assert not is_broken(pack(FrameType.EVENT, 7, payload)[:cut], 7)


def test_a_frame_has_a_largest_size():
    with pytest.raises(StorageError, match="more than"):
        seal(bytearray(64), FrameType.ROWS, 0, 2**31)


def test_a_block_carries_its_header_before_its_array():
    (frame,) = scan(pack(FrameType.BLOCK, 0, packed_block("asd", {"lines": 2}, "<f8", (2,), b"x" * 16)))
    about, data = split_block(frame)
    assert about == {"name": "asd", "dtype": "<f8", "shape": [2], "header": {"lines": 2}}
    assert bytes(data) == b"x" * 16
