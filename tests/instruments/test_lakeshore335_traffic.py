"""What the driver of the Lake Shore 335 sends, in which order, and what it makes of spoilt answers."""

import math

import pytest

from instruments.lakeshore335 import ControlSettings, HeaterRange, LakeShore335
from instruments.lakeshore335.link import PACE_S
from instruments.wire.lakeshore335 import SensorStatus
from tests.instruments.lakeshore_cable import LakeShoreCable
from xraydaq.clock import JumpingClock
from xraydaq.errors import InstrumentError, InstrumentTimeout, LimitError, Refused, WireError

SETTINGS = ControlSettings(HeaterRange.MEDIUM, proportional=60.0, integral=25.0, derivative_percent=10.0)


@pytest.fixture
def cable():
    return LakeShoreCable(JumpingClock())


@pytest.fixture
def controller(cable):
    return LakeShore335(cable, clock=cable.clock, max_temperature_k=345.0, min_temperature_k=230.0)


def commands(cable):
    """Get what was set, without questions and tokens."""
    parts = [part for message in cable.sent for part in message.split(";")]
    return [part for part in parts if "?" not in part and not part.startswith("*ESE")]


def test_construction_sends_nothing(cable, controller):
    assert cable.sent == []


def test_a_reading_is_asked_for_with_its_status_in_one_message(cable, controller):
    reading = controller.read()
    assert reading.temperature_k == 295.412
    assert reading.good
    assert len(cable.sent) == 1
    assert cable.sent[0].endswith("KRDG? A;RDGST? A")


@pytest.mark.parametrize(
    ("status", "flag"), [("065", SensorStatus.ZERO_UNITS), ("032", SensorStatus.OVER_TEMPERATURE)]
)
def test_a_bad_status_is_a_reading_without_a_temperature(cable, controller, status, flag):
    cable.values["RDGST A"] = status
    reading = controller.read()
    assert math.isnan(reading.temperature_k)
    assert flag in reading.status
    assert not reading.good


def test_a_zero_is_no_temperature_even_if_the_status_calls_it_good(cable, controller):
    cable.stage_k = 0.0
    assert not controller.read().good


def test_messages_keep_the_pace_of_the_controller(cable, controller):
    controller.configure(SETTINGS)
    controller.start_ramp(300.0, 2.0)
    gaps_s = [later - earlier for earlier, later in zip(cable.times_s, cable.times_s[1:], strict=False)]
    assert len(gaps_s) > 20
    assert min(gaps_s) >= PACE_S * (1 - 1e-9)  # the last digit of a sum of floats


def test_a_message_stays_below_the_sixty_four_characters_of_older_models(cable, controller):
    controller.configure(SETTINGS)
    controller.start_ramp(300.0, 2.0)
    assert max(map(len, cable.sent)) <= 64


def test_configuring_sets_everything_and_leaves_the_heater_off(cable, controller):
    controller.configure(SETTINGS)
    assert cable.values["TLIMIT A"] == "350"
    assert cable.values["OUTMODE 1"] == "1,1,0"
    assert cable.values["PID 1"] == "60,25,10"
    assert cable.values["FILTER A"] == "0,8,10"
    assert cable.values["MOUT 1"] == "0"
    assert cable.values["RANGE 1"] == "0"


@pytest.mark.parametrize("word", ["TLIMIT", "FILTER", "OUTMODE", "PID", "MOUT"])
def test_a_setting_that_does_not_take_is_an_error(cable, controller, word):
    cable.values["MOUT 1"] = "+10.000"
    cable.values["FILTER A"] = "1,8,10"
    cable.ignored = (word,)
    with pytest.raises(InstrumentError, match=word):
        controller.configure(SETTINGS)
    with pytest.raises(Refused):
        controller.start_ramp(300.0, 2.0)
    assert "RANGE 1,2" not in commands(cable)


def test_a_refused_command_is_an_error_that_names_it(cable, controller):
    del cable.values["MOUT 1"]
    with pytest.raises(Refused, match="MOUT 1,0: COMMAND_ERROR"):
        controller.configure(SETTINGS)


def test_an_error_from_before_is_not_taken_for_one_of_ours(cable, controller):
    cable.esr = 32 | 128
    controller.configure(SETTINGS)


def test_setpoints_in_celsius_are_refused(cable, controller):
    cable.values["INTYPE A"] = "1,0,0,0,2"
    with pytest.raises(InstrumentError, match="kelvin"):
        controller.configure(SETTINGS)
    assert commands(cable) == []


def test_a_heater_that_is_on_is_not_reconfigured(cable, controller):
    cable.values["RANGE 1"] = "2"
    with pytest.raises(Refused):
        controller.configure(SETTINGS)
    assert commands(cable) == []


def test_a_ramp_starts_at_the_present_temperature_whatever_the_setpoint_was(cable, controller):
    controller.configure(SETTINGS)
    before = len(commands(cable))
    controller.start_ramp(300.0, 2.0)
    assert commands(cable)[before:] == [
        "RAMP 1,0,2", "SETP 1,295.412", "RAMP 1,1,2", "RANGE 1,2", "SETP 1,300",
    ]  # fmt: skip
    assert controller.target_k == 300.0


def test_a_ramp_that_cannot_leave_the_old_setpoint_never_turns_the_heater_on(cable, controller):
    controller.configure(SETTINGS)
    cable.ignored = ("SETP",)
    with pytest.raises(InstrumentError, match="setpoint"):
        controller.start_ramp(300.0, 2.0)
    assert cable.values["RANGE 1"] == "0"
    assert controller.target_k is None


def test_a_ramp_without_a_good_sensor_is_not_started(cable, controller):
    controller.configure(SETTINGS)
    before = commands(cable)
    cable.values["RDGST A"] = "128"
    with pytest.raises(InstrumentError, match="not good"):
        controller.start_ramp(300.0, 2.0)
    assert commands(cable) == before


def lost(*_):
    return []


def interrupted(*_):
    raise KeyboardInterrupt


@pytest.mark.parametrize(("trouble", "told"), [(lost, InstrumentTimeout), (interrupted, KeyboardInterrupt)])
@pytest.mark.parametrize("place", ["RAMP 1,0,", "SETP 1,295.412", "RAMP 1,1,", "RANGE 1,2", "SETP 1,305", "SETP?"])
def test_a_ramp_that_breaks_off_anywhere_leaves_the_heater_off(cable, controller, place, trouble, told):
    """The heater is on from the ramp before, so that it is also off if it broke off early."""
    controller.configure(SETTINGS)
    controller.start_ramp(300.0, 2.0)
    assert cable.values["RANGE 1"] == "2"
    cable.spoil = lambda number, reply: trouble() if place in cable.sent[-1] else [reply]
    with pytest.raises(told):
        controller.start_ramp(305.0, 2.0)
    assert cable.values["RANGE 1"] == "0"
    assert controller.target_k is None


def test_a_target_that_does_not_take_leaves_the_heater_off(cable, controller):
    controller.configure(SETTINGS)

    def jump(number, reply):
        cable.values["SETP 1"] = "+340.000" if "SETP 1,300" in cable.sent[-1] else cable.values["SETP 1"]
        return [reply]

    cable.spoil = jump
    with pytest.raises(InstrumentError, match="setpoint"):
        controller.start_ramp(300.0, 2.0)
    assert "RANGE 1,2" in commands(cable)
    assert cable.values["RANGE 1"] == "0"


@pytest.mark.parametrize("shown", ["1,+0.1", "1,+0.2"])
def test_a_rate_that_was_rounded_is_an_error(cable, controller, shown):
    controller.configure(SETTINGS)
    cable.values["RAMP 1"] = shown
    cable.ignored = ("RAMP",)
    with pytest.raises(InstrumentError, match=r"RAMP 1,1,0\.15 did not take"):
        controller.start_ramp(300.0, 0.15)


def test_a_filter_window_that_was_rounded_is_an_error(cable, controller):
    cable.values["FILTER A"] = "0,8,7"
    cable.ignored = ("FILTER",)
    with pytest.raises(InstrumentError, match="FILTER"):
        controller.configure(ControlSettings(HeaterRange.LOW, filter_window_percent=7.4))


@pytest.mark.parametrize(
    ("target_k", "rate"),
    [(345.1, 2.0), (229.9, 2.0), (math.nan, 2.0), (300.0, 0.0), (300.0, 101.0), (300.0, math.nan), (300.0, -1.0)],
)
def test_a_ramp_outside_the_limits_never_reaches_the_wire(cable, controller, target_k, rate):
    controller.configure(SETTINGS)
    before = len(cable.sent)
    with pytest.raises(LimitError):
        controller.start_ramp(target_k, rate)
    assert len(cable.sent) == before


@pytest.mark.parametrize("limits", [(0.0, 300.0), (300.0, 200.0), (1.0, math.nan), (math.nan, 300.0), (1.0, math.inf)])
def test_limits_that_are_none_are_refused(cable, limits):
    with pytest.raises(LimitError):
        LakeShore335(cable, clock=cable.clock, min_temperature_k=limits[0], max_temperature_k=limits[1])


@pytest.mark.parametrize(
    "change",
    [
        {"heater_range": HeaterRange.OFF}, {"proportional": 0.0}, {"integral": math.nan}, {"trip_margin_k": 0.0},
        {"derivative_percent": 201.0}, {"filter_points": 1}, {"filter_window_percent": 0.0},
        {"filter_points": 8.5}, {"filter_points": 8.0},
    ],
)  # fmt: skip
def test_settings_outside_the_manual_are_refused(change):
    with pytest.raises(LimitError):
        ControlSettings(**{"heater_range": HeaterRange.LOW, **change})


def test_the_331_is_recognised_and_refused_before_anything_is_set(cable, controller):
    cable.values["*IDN"] = "LSCI,MODEL331S,123456,1.4"
    with pytest.raises(InstrumentError, match="MODEL331S"):
        controller.configure(SETTINGS)
    assert commands(cable) == []


def test_inputs_c_and_d_are_for_the_336_only(cable):
    controller = LakeShore335(cable, clock=cable.clock, max_temperature_k=345.0, sensor="C")
    with pytest.raises(InstrumentError, match="no input C"):
        controller.identify()
    cable.values["*IDN"] = "LSCI,MODEL336,1234567/1234567,2.0"
    assert controller.identify().model == "MODEL336"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda reply: [],
        lambda reply: [reply[: len(reply) // 2]],
        lambda reply: ["\x07\x1b?"],
        lambda reply: ["200;+111.000;000"],
    ],
)
def test_a_spoilt_reply_is_asked_for_once_more_and_counted(cable, controller, spoil):
    controller.read()
    cable.spoil = lambda number, reply: spoil(reply) if number == 1 else [reply]
    cable.stage_k = 296.0
    assert controller.read().temperature_k == 296.0
    assert controller.retries == 1


def test_a_doubled_reply_is_never_taken_for_the_next_one(cable, controller):
    cable.spoil = lambda number, reply: [reply, reply]
    for stage_k in (295.0, 296.0, 297.0):
        cable.stage_k = stage_k
        assert controller.read().temperature_k == stage_k


def test_silence_ends_in_a_timeout_after_the_second_question(cable, controller):
    cable.spoil = lambda number, reply: []
    with pytest.raises(InstrumentTimeout):
        controller.read()
    assert len(cable.sent) == 2


def test_a_command_whose_reply_is_lost_is_not_repeated(cable, controller):
    controller.configure(SETTINGS)
    cable.spoil = lambda number, reply: [] if "RAMP 1,0" in cable.sent[-1] else [reply]
    with pytest.raises(InstrumentTimeout):
        controller.start_ramp(300.0, 2.0)
    assert sum("RAMP 1,0" in message for message in cable.sent) == 1


def test_after_idle_time_a_question_goes_before_the_command(cable, controller):
    controller.configure(SETTINGS)
    controller.start_ramp(300.0, 2.0)
    cable.clock.sleep(600.0)
    before = len(cable.sent)
    controller._link.set("MOUT 1,0")
    assert "?" in cable.sent[before].split(";")[-1]
    assert "MOUT 1,0" not in cable.sent[before]


def test_off_is_the_first_thing_written(cable, controller):
    cable.values["RANGE 1"] = "3"
    controller.safe_off()
    assert cable.sent[0] == "RANGE 1,0"
    assert cable.values["RANGE 1"] == "0"
    controller.safe_off()
    controller.shutdown()


def test_a_heater_that_still_gives_power_is_not_called_off(cable, controller):
    cable.values["HTR 1"] = "+0.2"
    with pytest.raises(InstrumentError, match="MAY BE ON"):
        controller.safe_off()
    controller.shutdown()


@pytest.mark.parametrize("percent", ["+0.0", "+0.005", "+0.1"])
def test_the_last_digit_of_an_idle_heater_counts_as_off(cable, controller, percent):
    cable.values["HTR 1"] = percent
    controller.safe_off()


def test_a_heater_that_ignores_off_is_told_again_and_reported(cable, controller):
    cable.values["RANGE 1"] = "3"
    cable.ignored = ("RANGE",)
    with pytest.raises(InstrumentError, match="MAY BE ON"):
        controller.safe_off()
    assert sum(message == "RANGE 1,0" for message in cable.sent) == 3


def test_a_dead_cable_gets_the_off_command_all_the_same_and_shutdown_does_not_raise(cable, controller):
    cable.spoil = lambda number, reply: []
    controller.shutdown()
    assert "RANGE 1,0" in cable.sent


def test_the_settings_change_nothing_and_do_not_clear_the_heater_fault(cable, controller):
    before = dict(cable.values)
    settings = controller.settings()
    assert settings["TLIMIT? A"] == "0"
    assert settings["RANGE? 1"] == "0"
    assert not any("HTRST" in message for message in cable.sent)
    assert cable.values == before
    assert commands(cable) == []


def test_a_heater_fault_is_told(cable, controller):
    cable.values["HTRST 1"] = "1"
    assert controller.take_heater_fault().name == "OPEN"


@pytest.mark.parametrize("idle_s", [0.0, 600.0])
def test_a_heater_fault_whose_answer_is_lost_is_an_error_because_it_is_cleared_by_then(cable, controller, idle_s):
    controller.read()
    cable.clock.sleep(idle_s)
    cable.spoil = lambda number, reply: [] if "HTRST?" in cable.sent[-1] else [reply]
    with pytest.raises(InstrumentTimeout):
        controller.take_heater_fault()
    assert sum("HTRST?" in message for message in cable.sent) == 1


def test_a_reading_of_an_unknown_input_sends_nothing(cable, controller):
    with pytest.raises(LimitError):
        controller.read("E")
    assert cable.sent == []


def test_closing_twice_closes_once(cable, controller):
    controller.close()
    controller.close()
    assert cable.connection.closed == 1


def test_a_reply_with_the_right_token_and_a_wrong_value_is_refused(cable, controller):
    cable.spoil = lambda number, reply: [reply.replace("+295.412", "nan")]
    with pytest.raises(WireError):
        controller.read()
