"""However a stream is cut into pieces, the same lines, readings and errors come out."""

import itertools
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instruments.wire.keithley2400 import parse_block
from instruments.wire.keithley2400.stream import BlockReader, LineReader
from xraydaq.errors import WireError

FOUR = ("voltage", "current", "time", "status")
LONGEST = 20


def pieces(data, cuts):
    places = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    return [data[first:last] for first, last in itertools.pairwise(places)]


def outcome(chunks):
    """What a reader says to a stream fed in `chunks`: lines, the text of errors, and what is left."""
    reader, said = LineReader(LONGEST), []
    for chunk in chunks:
        reader.feed(chunk)
        while True:
            try:
                line = reader.next_line()
            except WireError as error:
                said.append(("error", error.data))
                continue
            if line is None:
                break
            said.append(line)
    return said, reader.pending


streams = st.lists(
    st.one_of(
        st.sampled_from([b"\r", b"\n", b"\r\n", b"\n\r"]), st.binary(max_size=30), st.sampled_from([b"+1.0,-2"])
    ),
    max_size=20,
).map(b"".join)


@given(streams, st.lists(st.integers(0, 1000)))
def test_any_split_gives_the_same_lines_errors_and_rest(data, cuts):
    assert outcome(pieces(data, cuts)) == outcome([data])


@given(streams)
def test_byte_by_byte_gives_the_same_as_all_at_once(data):
    assert outcome([data[place : place + 1] for place in range(len(data))]) == outcome([data])


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n", b"\n\r"])
def test_each_of_the_four_line_ends_ends_a_line(end):
    said, rest = outcome([b"first" + end + b"second" + end + b"thi"])
    assert (said, rest) == ([b"first", b"second"], b"thi")


def test_a_line_longer_than_any_reply_is_an_error_and_the_next_line_is_read_again():
    said, rest = outcome([b"x" * 50 + b"\rfine\r"])
    assert said == [("error", b"x" * (LONGEST + 1)), b"fine"]
    assert rest == b""


def test_the_longest_line_is_not_too_long():
    assert outcome([b"x" * LONGEST + b"\r"]) == ([b"x" * LONGEST], b"")


values = st.lists(
    st.tuples(st.floats(-210, 210, width=32), st.floats(-1, 1, width=32), st.floats(0, 99_000, width=32),
              st.integers(0, (1 << 24) - 1)),
    min_size=1, max_size=8,
)  # fmt: skip


@given(values, st.sampled_from([("big", ">"), ("little", "<")]), st.lists(st.integers(0, 1000)))
def test_a_block_fed_in_any_pieces_reads_as_the_whole_block(rows, order, cuts):
    name, sign = order
    flat = [float(value) for row in rows for value in row]
    data = b"#0" + struct.pack(f"{sign}{len(flat)}f", *flat) + b"\n"
    reader = BlockReader(FOUR, name, len(rows))
    *early, last = [reader.feed(piece) for piece in pieces(data, cuts)]
    assert early == [None] * len(early)
    assert last == parse_block(data, FOUR, name, len(rows))
    assert reader.missing == 0


def test_a_block_with_another_header_is_refused_at_its_first_wrong_byte():
    reader = BlockReader(FOUR, "big", 1)
    assert reader.feed(b"#") is None
    with pytest.raises(WireError):
        reader.feed(b"1")


@pytest.mark.parametrize("tail", [b"\n\n", b"\r", b"\n+"])
def test_a_block_that_does_not_end_where_it_must_is_refused(tail):
    data = b"#0" + struct.pack(">4f", 1.0, 1e-9, 10.0, 21508.0)
    with pytest.raises(WireError):
        BlockReader(FOUR, "big", 1).feed(data + tail)
