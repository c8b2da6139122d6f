import pytest
from hypothesis import given
from hypothesis import strategies as st

from instruments.sim.sr570 import RESET, State
from instruments.sim.sr570.state import one_three, one_two_five
from tests.sim.sr570.conftest import Bench


def after(bench, data):
    bench.link.send(data, bench.clock.now())
    bench.clock.sleep(5)
    bench.device.advance(bench.clock.now())
    return bench.device.state


@pytest.mark.parametrize("end", [b"\r\n", b"\n", b"\r"])
@pytest.mark.parametrize("text", [b"SENS 12", b"SENS12", b" SENS  12 "])
def test_every_terminator_and_spacing_of_the_field_is_understood(bench, text, end):
    assert after(bench, b"*RST" + end + text + end) == State(sensitivity=12)
    assert bench.device.refused == []


def test_commands_are_chained_with_semicolons(bench):
    assert after(bench, b"*RST;IOON1;IOSN0;IOLV5\r") == State(offset_on=True, offset_positive=False, offset_level=5)
    assert bench.device.understood_count == 4


def test_power_on_is_not_the_reset_state(bench):
    assert bench.device.state != RESET
    assert after(bench, b"*RST\r\n") == RESET


@pytest.mark.parametrize(
    "text",
    ["SENS 28", "SENS -1", "SENS", "sens 3", "HFRQ 12", "IOLV 30", "IOLVL 3", "BSLV 5001", "*IDN?", "*OPC?",
     "SENS 1,2", "*RST 1", "ROLD 1", "FLTT 6", "GNMD 3", "SUCV 101", "IOUV 1001", "SENS nan", "SENS 1e1"],
)  # fmt: skip
def test_what_it_does_not_know_changes_nothing_and_is_kept_for_the_tests(bench, text):
    before = bench.device.state
    assert after(bench, text.encode() + b"\r\n") == before
    assert bench.device.refused == [text]


def test_a_bias_sent_in_place_of_an_offset_becomes_a_bias(bench):
    state = after(bench, b"*RST;BSON1;BSLV 9.000000\r\n")
    assert state.bias_v == 9e-3
    assert bench.input.biases[-1][1] == 9e-3


def test_it_never_says_anything(bench):
    bench.adapter.connection.timeout = 1000
    bench.tell("*IDN?")
    with pytest.raises(Exception, match="TMO"):
        bench.adapter.read()
    assert bench.link.receive(bench.clock.now()) is None


def test_a_command_takes_the_time_its_characters_need(bench):
    bench.device.state = RESET
    data = b"SENS 12\r\n"
    bench.link.send(data, 0.0)
    bench.device.advance((len(data) - 1) * 11 / 9600)  # the command is over with its CR
    assert bench.device.state.sensitivity == 18
    bench.device.advance(0.02)
    assert bench.device.state.sensitivity == 12


def test_what_follows_a_reset_waits_for_it(bench):
    bench.link.send(b"*RST\r\nSENS 3\r\n", 0.0)
    bench.device.advance(0.9)
    assert bench.device.state == RESET
    bench.device.advance(1.1)
    assert bench.device.state == State(sensitivity=3)


def test_a_lost_byte_makes_another_gain_without_a_word(bench):
    after(bench, b"*RST\r\n")
    bench.link.send(b"SENS 1", bench.clock.now())
    bench.device.drop_bytes()
    assert after(bench, b"2\r\n").sensitivity == 1
    assert bench.device.refused == []


def test_a_bad_line_loses_its_share_of_bytes():
    bench = Bench(byte_loss=1.0)
    assert after(bench, b"*RST\r\n") == bench.device.state != RESET


def test_somebody_at_the_front_panel_changes_the_settings_unseen(bench):
    bench.reset()
    bench.device.turn_knobs(bench.clock.now(), sensitivity=9, bias_on=True, bias_mv=100)
    assert bench.device.state == State(sensitivity=9, bias_on=True, bias_mv=100)
    assert bench.input.biases[-1][1] == 0.1


def test_power_brings_back_what_was_set_and_forgets_half_a_command(bench):
    bench.reset("SENS 9", "BSLV 250")
    bench.adapter.write_bytes(b"SENS 1")
    bench.device.cycle_power(bench.clock.now())
    assert after(bench, b"2\r\n") == State(sensitivity=9, bias_mv=250)
    assert bench.device.refused == ["2"]


def test_indices_mean_what_the_manual_lists():
    assert [one_two_five(index) for index in (0, 1, 2, 3, 9, 18, 27, 29)] == [
        1e-12, 2e-12, 5e-12, 1e-11, 1e-9, 1e-6, 1e-3, 5e-3,
    ]  # fmt: skip
    assert [one_three(index) for index in (0, 1, 2, 7, 11, 15)] == [0.03, 0.1, 0.3, 100, 1e4, 1e6]


@given(st.lists(st.one_of(st.binary(max_size=20), st.sampled_from([b"SENS 3\r", b"BSLV 5;BSON 1\n"])), max_size=10))
def test_any_bytes_in_any_pieces_never_break_it(pieces):
    bench, whole = Bench(), Bench()
    for piece in pieces:
        bench.link.send(piece, bench.clock.now())
    after(whole, b"".join(pieces))
    assert after(bench, b"") == whole.device.state
    assert bench.device.refused == whole.device.refused
    assert abs(bench.device.state.bias_v) <= 5
