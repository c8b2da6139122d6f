"""What the driver of the SR570 sends, remembers and refuses; the far end is a listener that understands it."""

import itertools
import math
from dataclasses import replace

import pytest
from pymeasure.adapters.adapter import Adapter

from instruments.sr570 import Sr570, Sr570Settings, settling_s
from xraydaq.clock import JumpingClock
from xraydaq.errors import InstrumentError, LimitError, Refused

SETTINGS = Sr570Settings(sensitivity_a_v=1e-8, filter="low_pass_12db", low_pass_hz=100.0, bias_v=1.0)
RESISTANCE_OHM = 1e9
ALL_LETTERS = {
    *("SUCM", "SENS", "GNMD", "FLTT", "LFRQ", "HFRQ", "INVT"),
    *("IOON", "IOUC", "IOSN", "IOLV", "BSON", "BSLV", "BLNK"),
}


class Connection:
    def close(self):
        pass


class Listener(Adapter):
    """The far end of the line: a state, a resistor at the input, and ears that may miss a command."""

    def __init__(self, clock):
        super().__init__()
        self.connection = Connection()
        self.clock = clock
        self.sent = []
        self.state = {}
        self.deaf_to = set()
        self.broken_from = math.inf
        self.fails_once = {}
        self.largest_bias_mv = 0

    def _write(self, command, **kwargs):
        if len(self.sent) >= self.broken_from:
            raise OSError("the adapter is gone")
        if failure := self.fails_once.pop(len(self.sent), None):
            raise failure
        self.sent.append((self.clock.now(), command))
        if len(self.sent) - 1 in self.deaf_to:
            return
        letters, _, argument = command.partition(" ")
        if letters == "*RST":
            self.state = {"SENS": 18, "BSON": 0, "BSLV": 0, "BLNK": 0, "INVT": 0}
        elif argument:
            self.state[letters] = int(argument)
        if self.state.get("BSON"):
            self.largest_bias_mv = max(self.largest_bias_mv, abs(self.state["BSLV"]))

    def _read(self, **kwargs):
        raise AssertionError("nothing can be read from an SR570")

    @property
    def off(self):
        return (self.state["BSON"], self.state["BSLV"], self.state["BLNK"]) == (0, 0, 1)

    @property
    def commands(self):
        return [command for _, command in self.sent]

    def output_v(self):
        state = self.state
        if state.get("BLNK"):
            return 0.0
        sensitivity_a_v = (1, 2, 5)[state["SENS"] % 3] * 10.0 ** (state["SENS"] // 3 - 12)
        bias_v = state["BSLV"] / 1000 * state["BSON"]
        return (-1) ** state["INVT"] * (bias_v / RESISTANCE_OHM) / sensitivity_a_v + 0.003


def build(**options):
    clock = JumpingClock()
    listener = Listener(clock)
    return Sr570(listener, clock=clock, **{"max_bias_v": 2.0, **options}), listener


def test_construction_and_identity_send_no_byte():
    preamplifier, listener = build()
    assert preamplifier.identify().model == "SR570 (cannot answer)"
    assert listener.sent == []
    assert preamplifier.confidence == "unknown"


def test_everything_is_set_after_a_reset_with_the_output_blanked_and_the_bias_last():
    preamplifier, listener = build(repeat=False)
    preamplifier.configure(SETTINGS)
    commands = listener.commands
    assert commands[:3] == ["*RST", "BLNK 1", "BSON 0"]
    assert commands[-3:] == ["BSLV 1000", "BSON 1", "BLNK 0"]
    assert listener.sent[1][0] - listener.sent[0][0] >= 1.0
    assert set(listener.state) == ALL_LETTERS
    wanted = {"SENS": 12, "GNMD": 0, "FLTT": 4, "LFRQ": 7, "HFRQ": 0, "INVT": 0, "IOON": 0, "SUCM": 0, "IOUC": 0}
    assert wanted.items() <= listener.state.items()
    assert preamplifier.confidence == "assumed"


def test_offset_and_bias_are_never_taken_for_each_other():
    """1 nA of offset is IOLV 9; a bias of 9 mV is BSLV 9."""
    preamplifier, listener = build()
    preamplifier.configure(Sr570Settings(1e-9, offset_a=1e-9))
    assert (listener.state["IOLV"], listener.state["IOSN"], listener.state["IOON"]) == (9, 1, 1)
    assert (listener.state["BSLV"], listener.state["BSON"]) == (0, 0)
    preamplifier.configure(Sr570Settings(1e-9, bias_v=0.009))
    assert (listener.state["BSLV"], listener.state["BSON"]) == (9, 1)
    assert listener.state["IOON"] == 0


@pytest.mark.parametrize(
    ("positive_offset", "offset_a", "sign"), [(1, 2e-9, 1), (1, -2e-9, 0), (0, 2e-9, 0), (0, -2e-9, 1)]
)
def test_the_sign_of_the_offset_is_a_setting_of_the_bench(positive_offset, offset_a, sign):
    preamplifier, listener = build(positive_offset=positive_offset)
    preamplifier.configure(Sr570Settings(1e-8, offset_a=offset_a))
    assert (listener.state["IOLV"], listener.state["IOSN"]) == (10, sign)


def test_each_command_is_repeated_after_50_ms_so_that_a_lost_one_does_no_harm():
    probe, probed = build()
    probe.configure(SETTINGS)
    for lost in range(len(probed.sent)):
        preamplifier, listener = build()
        listener.deaf_to = {lost}
        preamplifier.configure(SETTINGS)
        assert listener.state == probed.state, f"message {lost}"
    times_s = [time_s for time_s, _ in probed.sent]
    assert [b - a for a, b in zip(times_s[::2], times_s[1::2], strict=True)] == pytest.approx(
        [0.05] * (len(times_s) // 2)
    )
    assert probed.commands[::2] == probed.commands[1::2]


def test_never_more_than_fifty_commands_per_second():
    preamplifier, listener = build(repeat=False)
    preamplifier.configure(SETTINGS)
    times_s = [time_s for time_s, _ in listener.sent]
    assert min(b - a for a, b in itertools.pairwise(times_s)) >= 0.02 - 1e-9


@pytest.mark.parametrize("bias_v", [2.001, -2.001, math.nan, math.inf])
def test_a_bias_over_the_limit_never_reaches_the_line(bias_v):
    preamplifier, listener = build()
    preamplifier.configure(SETTINGS)
    sent = len(listener.sent)
    with pytest.raises(LimitError):
        preamplifier.configure(replace(SETTINGS, bias_v=bias_v))
    with pytest.raises(LimitError):
        preamplifier.set_bias(bias_v)
    assert len(listener.sent) == sent
    assert listener.largest_bias_mv == 1000
    assert preamplifier.confidence == "assumed"


@pytest.mark.parametrize(
    "wrong",
    [
        {"sensitivity_a_v": 1.1e-9},
        {"sensitivity_a_v": 2e-3},
        {"sensitivity_a_v": math.nan},
        {"gain_mode": "low noise"},
        {"filter": "6dB lowpass"},
        {"filter": "low_pass_6db"},
        {"low_pass_hz": 100.0},
        {"filter": "low_pass_6db", "low_pass_hz": 50.0},
        {"filter": "high_pass_6db", "high_pass_hz": 30e3},
        {"filter": "band_pass_6db", "low_pass_hz": 100.0},
        {"bias_v": 0.0005},
        {"bias_v": 5.5},
        {"offset_a": 0.0},
        {"offset_a": 1e-2},
        {"offset_a": 3e-9},
    ],
)
def test_what_the_instrument_does_not_have_is_refused_and_not_rounded(wrong):
    with pytest.raises(LimitError):
        Sr570Settings(**{"sensitivity_a_v": 1e-9, **wrong})


@pytest.mark.parametrize("limit_v", [-1.0, math.nan])
def test_a_limit_that_is_none_is_refused(limit_v):
    with pytest.raises(LimitError):
        build(max_bias_v=limit_v)


@pytest.mark.parametrize(
    ("settings", "seconds"),
    [
        (Sr570Settings(1e-12), 3.0),
        (Sr570Settings(1e-12, gain_mode="high_bandwidth"), 2.5),
        (Sr570Settings(1e-11, gain_mode="low_drift"), 2.0),
        (Sr570Settings(1e-6), 0.5),
        (Sr570Settings(1e-6, filter="low_pass_6db", low_pass_hz=0.03), 0.5 + 0.8 / 0.03),
        (Sr570Settings(1e-6, filter="low_pass_12db", low_pass_hz=0.03), 0.5 + 1.2 / 0.03),
    ],
)
def test_it_waits_as_long_as_gain_stage_and_filter_take(settings, seconds):
    """0.8/f and 1.2/f are five time constants to the two digits they are published with."""
    preamplifier, listener = build()
    preamplifier.configure(settings)
    waited_s = listener.clock.now() - listener.sent[-1][0]
    assert settling_s(settings) == pytest.approx(seconds, rel=0.01)
    assert waited_s == pytest.approx(settling_s(settings) + 0.02, abs=1e-9)
    assert preamplifier.settling_s == 0


def test_a_procedure_can_wait_for_the_settling_itself():
    preamplifier, _ = build()
    preamplifier.configure(SETTINGS, settle=False)
    assert preamplifier.settling_s == pytest.approx(settling_s(SETTINGS))


def test_the_settings_say_that_they_are_as_set_and_how_far_to_believe_them():
    preamplifier, listener = build()
    assert preamplifier.settings() == {"confidence": "unknown"}
    preamplifier.configure(SETTINGS)
    sent = len(listener.sent)
    settings = preamplifier.settings()
    assert settings.pop("confidence") == "assumed"
    assert settings == {letters: f"{argument} as set" for letters, argument in listener.state.items()}
    assert len(listener.sent) == sent


def test_the_right_gain_is_witnessed_and_the_bias_is_as_before():
    preamplifier, listener = build()
    preamplifier.configure(SETTINGS)
    witness = preamplifier.witness_gain(listener.output_v, resistance_ohm=RESISTANCE_OHM)
    assert witness.ratio == pytest.approx(1.0, abs=1e-9)
    assert preamplifier.confidence == "witnessed"
    assert (listener.state["BSLV"], listener.state["BSON"]) == (1000, 1)
    preamplifier.set_bias(None)
    assert preamplifier.confidence == "witnessed"
    preamplifier.configure(replace(SETTINGS, sensitivity_a_v=1e-9))
    assert preamplifier.confidence == "assumed"


@pytest.mark.parametrize(("letters", "argument", "ratio"), [("SENS", 13, 0.5), ("SENS", 9, 10.0), ("BLNK", 1, 0.0)])
def test_a_knob_that_was_turned_is_noticed_and_the_next_configuration_begins_anew(letters, argument, ratio):
    preamplifier, listener = build()
    preamplifier.configure(replace(SETTINGS, bias_v=None))
    listener.state[letters] = argument
    witness = preamplifier.witness_gain(listener.output_v, resistance_ohm=RESISTANCE_OHM)
    assert witness.ratio == pytest.approx(ratio, abs=1e-9)
    assert not witness.agrees
    assert preamplifier.confidence == "unknown"
    listener.sent.clear()
    preamplifier.configure(SETTINGS)
    assert listener.commands[0] == "*RST"
    assert listener.state[letters] != argument


def test_a_witness_that_fails_sets_the_bias_back():
    preamplifier, listener = build()
    preamplifier.configure(replace(SETTINGS, bias_v=None))
    with pytest.raises(InstrumentError, match="saturates"):
        preamplifier.witness_gain(lambda: 4.95, resistance_ohm=RESISTANCE_OHM)
    assert (listener.state["BSLV"], listener.state["BSON"]) == (0, 0)


BREAKS = [(OSError("a hiccup of the line"), InstrumentError), (KeyboardInterrupt(), KeyboardInterrupt)]


def messages_of(work):
    """Get how many messages it takes when all goes well, after a first configuration."""
    preamplifier, listener = build()
    preamplifier.configure(SETTINGS)
    before = len(listener.sent)
    work(preamplifier, listener)
    return len(listener.sent) - before


@pytest.mark.parametrize(("failure", "told"), BREAKS)
@pytest.mark.parametrize(
    "work",
    [
        lambda preamplifier, _: preamplifier.configure(SETTINGS),
        lambda preamplifier, _: preamplifier.set_bias(0.5),
        lambda preamplifier, listener: preamplifier.witness_gain(listener.output_v, resistance_ohm=RESISTANCE_OHM),
    ],
    ids=["configure", "set_bias", "witness_gain"],
)
def test_a_change_that_breaks_off_at_any_message_leaves_the_bias_off(work, failure, told):
    for message in range(messages_of(work)):
        preamplifier, listener = build()
        preamplifier.configure(SETTINGS)
        listener.fails_once = {len(listener.sent) + message: failure}
        with pytest.raises(told):
            work(preamplifier, listener)
        assert listener.off, f"message {message}"
        assert (preamplifier.configured, preamplifier.confidence) == (None, "unknown")


class InterruptedClock(JumpingClock):
    """Somebody presses Ctrl-C while it waits for the settling."""

    def sleep_until(self, deadline_s):
        raise KeyboardInterrupt


def test_an_interruption_of_the_settling_leaves_the_bias_off():
    clock = InterruptedClock()
    listener = Listener(clock)
    preamplifier = Sr570(listener, clock=clock, max_bias_v=2.0)
    with pytest.raises(KeyboardInterrupt):
        preamplifier.configure(SETTINGS)
    assert listener.largest_bias_mv == 1000
    assert listener.off
    assert preamplifier.configured is None


def test_an_interrupted_measurement_of_the_witness_sets_the_bias_back():
    preamplifier, listener = build()
    preamplifier.configure(SETTINGS)
    outputs_v = iter([0.1])

    def measure_v():
        for output_v in outputs_v:
            return output_v
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        preamplifier.witness_gain(measure_v, resistance_ohm=RESISTANCE_OHM)
    assert listener.largest_bias_mv == 1010
    assert (listener.state["BSLV"], listener.state["BSON"], listener.state["BLNK"]) == (1000, 1, 0)


@pytest.mark.parametrize(
    ("second", "told"), [(OSError("a hiccup"), "saturates"), (KeyboardInterrupt("again"), "again")]
)
def test_a_bias_that_cannot_be_set_back_is_switched_off(second, told):
    """The first failure is told, unless somebody wants to get out."""
    preamplifier, listener = build()
    preamplifier.configure(SETTINGS)

    def measure_v():
        listener.fails_once = {len(listener.sent): second}
        return 4.95

    with pytest.raises((InstrumentError, KeyboardInterrupt), match=told):
        preamplifier.witness_gain(measure_v, resistance_ohm=RESISTANCE_OHM)
    assert listener.off


@pytest.mark.parametrize(
    "wrong", [{"resistance_ohm": 0.0}, {"step_v": math.nan}, {"step_v": 0.0}, {"resistance_ohm": 1e4}, {"step_v": 1.5}]
)
def test_a_witness_that_could_show_nothing_is_refused(wrong):
    preamplifier, listener = build()
    preamplifier.configure(SETTINGS)
    sent = len(listener.sent)
    with pytest.raises(LimitError):
        preamplifier.witness_gain(listener.output_v, **{"resistance_ohm": RESISTANCE_OHM, **wrong})
    assert len(listener.sent) == sent


def test_off_is_bias_off_and_output_blanked_and_twice_is_harmless():
    preamplifier, listener = build()
    preamplifier.configure(SETTINGS)
    for _ in range(2):
        preamplifier.safe_off()
        assert (listener.state["BSON"], listener.state["BSLV"], listener.state["BLNK"]) == (0, 0, 1)
    with pytest.raises(Refused):
        preamplifier.witness_gain(listener.output_v, resistance_ohm=RESISTANCE_OHM)


def test_off_is_sent_also_when_nothing_is_known():
    preamplifier, listener = build()
    preamplifier.safe_off()
    assert listener.commands[0] == "BSON 0"


def test_a_broken_line_is_an_error_and_the_state_is_unknown():
    preamplifier, listener = build()
    preamplifier.configure(SETTINGS)
    listener.broken_from = len(listener.sent) + 3
    with pytest.raises(InstrumentError):
        preamplifier.configure(SETTINGS)
    assert preamplifier.confidence == "unknown"
    assert preamplifier.configured is None
    with pytest.raises(InstrumentError, match="THE BIAS MAY BE ON"):
        preamplifier.safe_off()
    preamplifier.shutdown()
    with pytest.raises(Refused):
        preamplifier.set_bias(0.1)


def test_an_overload_is_reset_by_its_own_command():
    preamplifier, listener = build(repeat=False)
    preamplifier.reset_overload()
    assert listener.commands == ["ROLD"]
    assert listener.clock.now() >= 0.5
