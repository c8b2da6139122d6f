"""Replies that come late, twice, in halves, or never: never a stale value, and always off at the end."""

import itertools
import math

import pytest

from instruments.keithley2400 import Keithley2400, SourceVoltageSettings
from instruments.keithley2400.settings import SETTINGS
from tests.instruments.cable import Cable
from xraydaq.clock import JumpingClock
from xraydaq.errors import InstrumentError, InstrumentTimeout, LimitError, WireError

WANTED = SourceVoltageSettings(
    source_range_v=5.0, current_range_a=1e-6, compliance_a=5e-5, nplc=1.0, line_frequency_hz=50.0
)


@pytest.fixture
def clock():
    return JumpingClock(0.0)


@pytest.fixture
def cable():
    return Cable()


@pytest.fixture
def smu(cable, clock):
    driver = Keithley2400(cable, clock=clock, max_bias_v=10.0)
    assert cable.sent == []
    driver.configure(WANTED)
    driver.bias_v = 5.0
    driver.output_enabled = True
    cable.sent.clear()
    return driver


def spoil_reading(cable, which, how):
    """Let `how` turn the replies to the reading number `which` into what arrives."""
    count = itertools.count(1)
    cable.spoil = lambda message, replies: how(replies) if message == ":READ?" and next(count) == which else replies


def outcomes(smu, cable, count):
    """Take readings; each is the current that was asked for, or the kind of error."""
    found = []
    for _ in range(count):
        try:
            found.append(smu.read().current_a == pytest.approx(cable.current_a, abs=1e-16))
        except InstrumentError as error:
            found.append(type(error))
    return found


def test_a_good_reading_costs_one_message(smu, cable):
    assert outcomes(smu, cable, 3) == [True, True, True]
    assert cable.sent == [":READ?"] * 3


def test_a_missing_reply_is_a_timeout_and_the_next_reading_is_its_own(smu, cable):
    spoil_reading(cable, 2, lambda replies: [])
    assert outcomes(smu, cable, 4) == [True, InstrumentTimeout, True, True]
    assert cable.cleared == 1


@pytest.mark.parametrize(
    "how",
    [
        lambda replies: [replies[0][: len(replies[0]) // 2]],
        lambda replies: [replies[0][:-1]],
        lambda replies: ["garbage"],
        lambda replies: ["\x01\x02"],
        lambda replies: [""],
        lambda replies: ["+1.000000E+00,nan,+2.000000E+00,+2.050000E+04"],
        lambda replies: [f"{replies[0]}\r{replies[0]}"],
        lambda replies: [f"{replies[0]},{replies[0]}"],
        lambda replies: ["0"],
    ],
)
def test_a_reply_that_is_no_reading_is_a_wire_error_and_the_next_reading_is_its_own(smu, cable, how):
    spoil_reading(cable, 2, how)
    assert outcomes(smu, cable, 4) == [True, WireError, True, True]


def test_a_doubled_reply_is_never_taken_for_the_next_reading(smu, cable):
    spoil_reading(cable, 2, lambda replies: replies * 2)
    assert outcomes(smu, cable, 5) == [True, True, WireError, True, True]


def test_a_late_reply_is_never_taken_for_the_next_reading(smu, cable):
    late = []
    spoil_reading(cable, 2, lambda replies: late.extend(replies) or [])
    assert outcomes(smu, cable, 2) == [True, InstrumentTimeout]
    cable.waiting.extend(late)
    assert outcomes(smu, cable, 2) == [True, True]


def test_a_late_reply_that_survives_clearing_is_dropped_by_the_echo_of_a_token(smu, cable):
    spoil_reading(cable, 1, lambda replies: [])
    cable.clear = cable.flush_read_buffer = lambda: None
    assert outcomes(smu, cable, 1) == [InstrumentTimeout]
    cable.waiting.extend(["+5.000000E+00,+9.000000E-01,+9.000000E+00,+2.050000E+04", "17", "\x02"])
    assert outcomes(smu, cable, 2) == [True, True]


def test_a_doubled_answer_to_a_setting_is_not_taken_for_the_next_answer(smu, cable):
    cable.answers |= {query: "0" for query in SETTINGS if query not in cable.answers}
    cable.spoil = lambda message, replies: replies * 2
    assert smu.bias_v == 5.0
    assert smu.output_enabled
    assert smu.settings()[":SOUR:FUNC?"] == "VOLT"
    assert smu.bias_v == 5.0


def test_a_reading_after_a_failed_one_gets_into_step_by_itself_with_a_bounded_number_of_messages(smu, cable):
    spoil_reading(cable, 1, lambda replies: [])
    outcomes(smu, cable, 2)
    assert [each.split(" ")[0] for each in cable.sent] == [":READ?", ":ABOR", "*ESE", ":READ?"]


def test_silence_for_good_is_a_timeout_each_time(smu, cable):
    cable.spoil = lambda message, replies: []
    assert outcomes(smu, cable, 2) == [InstrumentTimeout, InstrumentTimeout]
    assert len(cable.sent) < 20
    with pytest.raises(InstrumentTimeout):
        smu.resynchronise()


def test_the_event_enable_register_is_left_at_its_power_on_value(smu, cable):
    cable.ese = 99
    smu.resynchronise()
    assert cable.ese == 0


def test_a_far_end_that_talks_without_end_does_not_hold_the_driver(smu, cable):
    cable.spoil = lambda message, replies: ["noise"] * 50
    with pytest.raises(InstrumentError, match="out of step"):
        smu.resynchronise()


@pytest.mark.parametrize("failing", [1, 2])
def test_the_output_is_off_after_safe_off_whatever_message_gets_lost(smu, cable, failing):
    count = itertools.count(1)
    cable._write = lambda message: None if next(count) == failing else Cable._write(cable, message)
    smu.safe_off()
    assert cable.output is False


def test_the_first_bytes_of_safe_off_are_off_even_out_of_step(smu, cable):
    spoil_reading(cable, 1, lambda replies: [])
    outcomes(smu, cable, 1)
    cable.sent.clear()
    smu.safe_off()
    assert cable.sent[0] == ":ABOR;:OUTP OFF"
    assert not cable.output


def test_a_stale_zero_is_not_taken_for_an_output_that_is_off(smu, cable):
    cable.waiting.extend(["0", "0", "0"])
    stuck = cable._execute
    cable._execute = lambda part: None if part == ":OUTP OFF" else stuck(part)
    with pytest.raises(InstrumentError, match="MAY BE ON"):
        smu.safe_off()
    assert cable.output


def test_a_cable_that_is_pulled_is_an_instrument_error_of_every_operation(smu, cable):
    def broken(*args, **kwargs):
        raise OSError(5, "Input/output error")

    cable._write = cable._read = cable.clear = cable.flush_read_buffer = broken
    for operation in (smu.read, smu.safe_off, smu.resynchronise, smu.settings, smu.read_errors, smu.identify):
        with pytest.raises(InstrumentError):
            operation()
    smu.shutdown()
    assert not smu.isShutdown


def test_bytes_that_are_no_text_are_a_wire_error_with_the_bytes(smu, cable):
    def undecodable(**kwargs):
        return b"\xff\xfe".decode("ascii")

    cable._read = undecodable
    with pytest.raises(WireError) as caught:
        smu.read()
    assert caught.value.data == b"\xff\xfe"


def test_a_reading_with_the_output_off_is_a_timeout_as_the_instrument_is_silent(smu, cable):
    smu.safe_off()
    assert outcomes(smu, cable, 1) == [InstrumentTimeout]


def test_identity_is_asked_again_in_step_after_leftovers_of_another_program(cable, clock):
    cable.flush_read_buffer = lambda: None
    cable.waiting.append("+1.000000E+00,+1.000000E-09,+1.000000E+01,+2.150800E+04")
    smu = Keithley2400(cable, clock=clock, max_bias_v=10.0)
    assert smu.identify().model == "MODEL 2400"


def test_the_clock_of_the_instrument_may_wrap_and_readings_go_on(smu, cable, clock):
    cable.time_s = 99_999.8
    assert outcomes(smu, cable, 1) == [True]
    clock.sleep(1.0)
    cable.time_s = 0.1
    assert outcomes(smu, cable, 2) == [True, True]


def test_a_clock_that_starts_again_in_the_middle_is_not_a_wrap(smu, cable, clock):
    cable.time_s = 500.0
    assert outcomes(smu, cable, 1) == [True]
    clock.sleep(1.0)
    cable.time_s = 0.1
    assert outcomes(smu, cable, 1) == [WireError]


def test_a_row_from_long_before_the_wrap_is_not_a_wrap(smu, cable, clock):
    cable.time_s = 99_999.8
    assert outcomes(smu, cable, 1) == [True]
    clock.sleep(1.0)
    cable.time_s = 50_000.0
    assert outcomes(smu, cable, 1) == [WireError]


def test_fast_readings_may_share_the_last_digit_of_a_stamp_but_not_a_whole_row(cable, clock):
    cable.answers |= {":SENS:CURR:NPLC?": "1.000000E-02"}
    smu = Keithley2400(cable, clock=clock, max_bias_v=10.0)
    smu.configure(SourceVoltageSettings(5.0, 1e-6, 5e-5, 0.01, 50.0))
    smu.bias_v = 5.0
    smu.output_enabled = True
    rows = itertools.cycle(["+1.000000E-09", "+1.000001E-09", "+1.000001E-09"])
    cable._row = lambda: f"+5.000000E+00,{next(rows)},+2.000000E+04,+2.050000E+04"
    assert not math.isnan(smu.read().current_a)
    assert smu.read().current_a == 1.000001e-9
    with pytest.raises(WireError):
        smu.read()


def test_a_burst_that_fails_sets_everything_back_and_reading_goes_on(smu, cable):
    spoil_reading(cable, 1, lambda replies: [])
    with pytest.raises(InstrumentTimeout):
        smu.burst(10)
    undone = [each for each in cable.sent if not each.startswith("*ESE")][-4:]
    assert undone == [":ABOR", ":TRIG:DEL 0", ":TRIG:COUN 1", ":FORM ASC"]
    assert outcomes(smu, cable, 2) == [True, True]


def test_a_sweep_that_fails_goes_back_to_the_fixed_level_first(smu, cable):
    cable.answers[":SOUR:LIST:VOLT:POIN?"] = "3"
    spoil_reading(cable, 1, lambda replies: ["garbage"])
    with pytest.raises(WireError):
        smu.sweep([1.0, 2.0, 3.0])
    commands = [each for each in cable.sent if not each.startswith("*ESE")]
    assert commands[commands.index(":ABOR") + 1 :][:3] == [":SOUR:VOLT:MODE FIX", ":SOUR:VOLT:RANG 20", ":SOUR:VOLT 5"]


def test_a_sweep_the_instrument_holds_fewer_points_of_is_an_error_and_is_not_started(smu, cable):
    cable.answers[":SOUR:LIST:VOLT:POIN?"] = "2"
    with pytest.raises(InstrumentError, match="answers 2 after 3"):
        smu.sweep([1.0, 2.0, 3.0])
    assert ":READ?" not in cable.sent


def test_a_driver_that_could_not_set_back_a_sweep_takes_no_readings_until_it_is_configured_again(smu, cable):
    cable.answers[":SOUR:LIST:VOLT:POIN?"] = "3"
    cable.spoil = lambda message, replies: [] if ":READ?" in cable.sent else replies
    with pytest.raises(InstrumentTimeout):
        smu.sweep([1.0, 2.0, 3.0])
    cable.spoil = lambda message, replies: replies
    with pytest.raises(Exception, match="configure"):
        smu.read()
    smu.safe_off()
    smu.configure(WANTED)


def test_a_bias_limit_that_is_no_number_is_no_limit(cable, clock):
    with pytest.raises(LimitError):
        Keithley2400(cable, clock=clock, max_bias_v=math.nan)
    assert cable.sent == []
