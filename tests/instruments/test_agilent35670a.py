"""What the driver of the 35670A sends, checks and refuses; the far end is a cable that answers as the manual says."""

import contextlib
import math
import struct
from collections import deque
from dataclasses import replace

import numpy as np
import pytest
from pymeasure.adapters.adapter import Adapter
from pyvisa.constants import StatusCode
from pyvisa.errors import VisaIOError

from instruments.agilent35670a import Agilent35670A, NoiseSettings
from xraydaq.clock import JumpingClock
from xraydaq.errors import InstrumentError, InstrumentTimeout, LimitError, Refused, StoppedByUser

SETTINGS = NoiseSettings(span_hz=1600.0, range_dbvrms=-33, averages=20, lines=400)
DENSITY = 3.5e-7
RESET = {
    "INP1:BIAS": "+0",
    "VOLT1:RANG:AUTO": "+1",
    "FREQ:SPAN": "+1.02400000000E+005",
    "FREQ:RES": "+400",
    "CALC1:UNIT:VOLT": '"V2"',
    "CALC1:FORM": "MLOG",
}


def real(value):
    """As the instrument spells it: the exponent has three digits."""
    mantissa, exponent = f"{value:+.11E}".split("E")
    return f"{mantissa}E{int(exponent):+04d}"


class Connection:
    def __init__(self, cable):
        self.timeout = None
        self._cable = cable

    def clear(self):
        self._cable.cleared += 1
        self._cable.waiting.clear()

    def close(self):
        pass


class Analyser(Adapter):
    """One output queue, one state; averages end at their time unless they hang. `spoil` changes what arrives."""

    def __init__(self, clock):
        super().__init__()
        self.connection = Connection(self)
        self.clock = clock
        self.sent, self.waiting, self.errors = [], deque(), deque()
        self.state = dict(RESET)
        self.cleared = 0
        self.ends_s = math.inf
        self.events = self.voltage_events = self.voltage_now = 0
        self.hangs = False
        self.lasts = 1.0
        self.extra = 113
        self.identity = "Agilent Technologies,35670A,MY42504567,A.01.11"
        self.calibration = "+0"
        self.ranges = deque([-51, -49, -43, *[-37] * 8])
        self.refuse = ()
        self.rounds = {}
        self.spoil = lambda command, reply: reply

    def _write(self, command, **kwargs):
        assert len(command) < 128
        assert command.count("?") <= 1
        assert not self.waiting, f"{command} before the reply to {self.sent[-1]} was read"
        self.sent.append(command)
        reply = self._query(command) if "?" in command else self._set(command)
        if reply is not None:
            reply = self.spoil(command, reply)
        if reply is not None:
            self.waiting.append(reply)

    def _set(self, command):
        header, _, argument = command.partition(" ")
        if header in self.refuse:
            self.errors.append('-222,"Data out of range"')
        elif command == "ABOR;:INIT":
            # only an averaged measurement is long and has a bit of its own
            averaged = self.state.get("AVER") == "+1"
            self.ends_s = self.clock.now() + self.lasts * self._duration_s() if averaged else math.inf
            if self.state["VOLT1:RANG:AUTO"] == "+1":
                self.state["VOLT1:RANG"] = real(self.ranges.popleft())
        elif command == "ABOR":
            if self.ends_s < math.inf:
                self.events |= 256
            self.ends_s = math.inf
        elif command == "*RST":
            self.state = dict(RESET)
        elif argument:
            self._store(header, self.rounds.get(command, argument))

    def _store(self, header, argument):
        if header == "VOLT1:RANG":
            argument = argument.removesuffix(" DBVRMS")
            self.state["VOLT1:RANG:AUTO"] = "+0"
        if argument in ("ON", "OFF"):
            self.state[header] = "+1" if argument == "ON" else "+0"
        elif argument[0] in "'\"":
            self.state[header] = f'"{argument[1:-1]}"'
        else:
            with contextlib.suppress(ValueError):
                argument = real(float(argument))
            self.state[header] = argument

    def _query(self, command):
        answers = {
            "*IDN?": lambda: self.identity,
            "*OPC?": lambda: "+1",
            "*CAL?": lambda: self.calibration,
            "*ESE?": lambda: f"{float(self.state['*ESE']):+.0f}",
            "SYST:ERR?": lambda: self.errors.popleft() if self.errors else '+0,"No error"',
            "SWE:TIME?": lambda: real(float(self.state["FREQ:RES"]) / float(self.state["FREQ:SPAN"])),
            "VOLT1:RANG? UNIT": lambda: '"DBVRMS"',
            "VOLT1:RANG?": lambda: self.state["VOLT1:RANG"],
            "STAT:OPER?": self._operation_events,
            "STAT:OPER:COND?": lambda: f"{272 if self.clock.now() < self.ends_s < math.inf else 0:+d}",
            "STAT:QUES:VOLT?": self._voltage,
            "STAT:QUES:VOLT:COND?": lambda: f"{self.voltage_now:+d}",
            "CALC1:DATA?": lambda: self._trace(DENSITY * np.ones(self._lines() + 1)),
            "CALC1:X:DATA?": lambda: self._trace(
                float(self.state["FREQ:SPAN"]) / self._lines() * np.arange(self._lines() + self.extra)
            ),
        }
        if command in answers:
            return answers[command]()
        return self.state.get(command.removesuffix("?"), "+0")

    def _lines(self):
        return round(float(self.state["FREQ:RES"]))

    def _duration_s(self):
        step_s = self._lines() / float(self.state["FREQ:SPAN"]) * (1 - float(self.state["SWE:OVER"]) / 100)
        return math.inf if self.hangs else float(self.state["AVER:COUN"]) * step_s

    def _operation_events(self):
        if self.ends_s <= self.clock.now():
            self.events |= 256
            self.ends_s = math.inf
        found, self.events = self.events, 0
        return f"{found:+d}"

    def _voltage(self):
        found, self.voltage_events = self.voltage_events, 0
        return f"{found:+d}"

    def _trace(self, values):
        if self.state["FORM"].startswith("ASC"):
            return ",".join(real(value) for value in values)
        body = struct.pack(f">{len(values)}d", *values)
        return b"#%d%d" % (len(str(len(body))), len(body)) + body + b"\n"

    def _read(self, **kwargs):
        if not self.waiting:
            self.clock.sleep(self.connection.timeout / 1000)
            raise VisaIOError(StatusCode.error_timeout)
        reply = self.waiting.popleft()
        return reply.decode("latin-1") if isinstance(reply, bytes) else reply

    def _read_bytes(self, count, break_on_termchar=False, **kwargs):
        if not self.waiting:
            self.clock.sleep(self.connection.timeout / 1000)
            raise VisaIOError(StatusCode.error_timeout)
        reply = self.waiting.popleft()
        reply = reply if isinstance(reply, bytes) else reply.encode() + b"\n"
        if len(reply) > count:
            self.waiting.append(reply[count:])
        return reply[:count]

    def flush_read_buffer(self):
        self.waiting.clear()


def build():
    clock = JumpingClock()
    cable = Analyser(clock)
    return Agilent35670A(cable, clock=clock), cable


@pytest.fixture
def configured():
    analyser, cable = build()
    analyser.configure(SETTINGS)
    return analyser, cable


def test_construction_sends_no_byte():
    _, cable = build()
    assert cable.sent == []


@pytest.mark.parametrize("maker", ["Agilent Technologies", "HEWLETT-PACKARD"])
def test_it_says_who_it_is_by_either_maker(maker):
    analyser, cable = build()
    cable.identity = f"{maker},35670A,123,A.01"
    identity = analyser.identify()
    assert (identity.manufacturer, identity.model, identity.serial, identity.firmware) == (
        maker,
        "35670A",
        "123",
        "A.01",
    )
    assert cable.sent == ["*IDN?"]


def test_what_another_program_left_unread_is_not_taken_for_an_identity():
    analyser, cable = build()

    def spoil(command, reply):
        cable.spoil = lambda command, reply: reply
        return "+1.0E+000,+2.0E+000,+3.0E+000,+4.0E+000"

    cable.spoil = spoil
    assert analyser.identify().model == "35670A"


def test_another_instrument_is_refused():
    analyser, cable = build()
    cable.identity = "Agilent Technologies,35665A,123,A.01"
    with pytest.raises(InstrumentError, match="35665A"):
        analyser.identify()


def test_every_setting_is_checked_alone_and_the_span_keeps_its_start(configured):
    _, cable = configured
    settings = [each for each in cable.sent if "?" not in each]
    for index, command in enumerate(cable.sent):
        if command in settings and command not in ("ABOR", "*RST", "*CLS"):
            assert cable.sent[index + 1] == "SYST:ERR?", command
    assert settings.index("FREQ:SPAN:LINK STAR") < settings.index("FREQ:SPAN 1600")
    wanted = {
        "INP2 OFF",
        "CAL:AUTO OFF",
        "REJ:STAT OFF",
        "CALC1:FORM MLIN",
        'CALC1:UNIT:VOLT "V/RTHZ"',
        "INIT:CONT OFF",
    }
    assert wanted <= set(settings)
    assert cable.state["VOLT1:RANG:AUTO"] == "+0"


def test_only_the_first_configuration_resets(configured):
    analyser, cable = configured
    analyser.configure(replace(SETTINGS, span_hz=100.0))
    assert cable.sent.count("*RST") == 1
    assert float(cable.state["FREQ:SPAN"]) == 100.0


@pytest.mark.parametrize(
    ("command", "becomes"),
    [
        ("FREQ:SPAN 1600", "3200"),
        ("FREQ:RES 400", "800"),
        ("FREQ:STAR 0", "50"),
        ("VOLT1:RANG -33 DBVRMS", "-31"),
        ("CALC1:FORM MLIN", "MLOG"),
        ('CALC1:UNIT:VOLT "V/RTHZ"', '"V2/HZ"'),
        ("CALC1:UNIT:AMPL RMS", "PEAK"),
        ("WIND HANN", "FLAT"),
        ("AVER:COUN 20", "10"),
        ("SWE:OVER 50", "0"),
        ("INP1:COUP DC", "AC"),
        ("AVER ON", "OFF"),
        ("INST:SEL FFT", "OCT"),
        ("INIT:CONT OFF", "ON"),
        ("CAL:AUTO OFF", "ON"),
        ("INP1:BIAS OFF", "ON"),
        ("REJ:STAT OFF", "ON"),
        ("TRIG:SOUR IMM", "EXT"),
        ("AVER:TCON FRE", "REP"),
        ("CALC1:FEED 'XFR:POW 1'", "'XTIM:VOLT 1'"),
    ],
)
def test_a_setting_that_was_rounded_or_did_not_take_is_refused(command, becomes):
    analyser, cable = build()
    cable.rounds = {command: becomes}
    with pytest.raises(InstrumentError, match="not those that were asked for"):
        analyser.configure(SETTINGS)
    with pytest.raises(Refused):
        analyser.measure()


def test_a_refused_setting_is_named():
    analyser, cable = build()
    cable.refuse = ("FREQ:RES",)
    with pytest.raises(InstrumentError, match="refused FREQ:RES 400: -222"):
        analyser.configure(SETTINGS)


@pytest.mark.parametrize(
    "wrong",
    [
        {"span_hz": 1000.0},
        {"span_hz": math.nan},
        {"span_hz": 204800.0},
        {"span_hz": 0.0},
        {"lines": 500},
        {"averages": 0},
        {"averages": 1.5},
        {"window": "HANNING"},
        {"overlap_percent": 100},
        {"range_dbvrms": -32},
        {"range_dbvrms": 29},
        {"coupling": "GND"},
        {"low": "FLOAT"},
        {"format": "real32"},
    ],
)
def test_what_the_instrument_does_not_have_is_refused_before_a_byte_leaves(wrong):
    with pytest.raises(LimitError):
        replace(SETTINGS, **wrong)


def test_a_span_that_does_not_exist_names_the_nearest_that_does():
    with pytest.raises(LimitError, match="for example 800 Hz"):
        replace(SETTINGS, span_hz=1000.0)


@pytest.mark.parametrize("form", ["real64", "ascii"])
@pytest.mark.parametrize("extra", [1, 113])
def test_a_spectrum_has_as_many_frequencies_as_values_and_says_what_it_was_taken_with(form, extra):
    analyser, cable = build()
    cable.extra = extra
    analyser.configure(replace(SETTINGS, format=form))
    spectrum = analyser.measure()
    assert spectrum.frequency_hz == pytest.approx(4.0 * np.arange(401), rel=1e-9)
    assert spectrum.density_v_per_rthz == pytest.approx(np.full(401, DENSITY), rel=1e-11)
    assert (spectrum.averages, spectrum.overlap_percent, spectrum.window, spectrum.range_dbvrms) == (
        20,
        50,
        "HANN",
        -33,
    )
    assert (spectrum.spacing_hz, spectrum.enbw_hz) == (4.0, 6.0)
    assert not spectrum.overload
    assert not spectrum.density_v_per_rthz.flags.writeable
    assert 20 * 0.25 * 0.5 <= spectrum.duration_s <= 20 * 0.25 * 0.5 + 0.2


def test_the_end_is_never_seen_before_the_averages_have_begun(configured):
    """The averaging bit rises late, as after a slow settling: no bit set is not the end."""
    analyser, cable = configured
    analyser.start()
    ends_s, cable.ends_s = cable.ends_s, math.inf
    assert not analyser.finished()
    cable.ends_s = ends_s
    assert not analyser.finished()
    cable.clock.sleep_until(ends_s)
    assert analyser.finished()


def test_what_an_aborted_measurement_left_is_not_the_end_of_the_next(configured):
    analyser, _ = configured
    analyser.start()
    analyser.start()
    assert not analyser.finished()


def test_averages_that_are_complete_too_early_are_refused(configured):
    analyser, cable = configured
    cable.lasts = 0.5
    with pytest.raises(InstrumentError, match=r"complete after 1\.\d+ s; they take 2\.5 s at least"):
        analyser.measure()


def test_a_calibration_in_the_middle_is_an_error(configured):
    analyser, cable = configured
    analyser.start()
    cable.events |= 1
    with pytest.raises(InstrumentError, match="calibration"):
        analyser.finished()


@pytest.mark.parametrize("register", ["voltage_events", "voltage_now"])
@pytest.mark.parametrize(("bits", "overload", "half"), [(257, True, True), (256, False, True), (2, False, False)])
def test_an_overload_of_this_channel_is_seen_as_event_and_as_state(configured, register, bits, overload, half):
    analyser, cable = configured
    analyser.start()
    setattr(cable, register, bits)
    while not analyser.finished():
        cable.clock.sleep(0.5)
    spectrum = analyser.fetch()
    assert (spectrum.overload, spectrum.half_range_reached) == (overload, half)


def test_an_overload_of_the_past_does_not_count(configured):
    analyser, cable = configured
    cable.voltage_events = 1
    assert not analyser.measure().overload


def test_averages_that_never_end_are_given_up_and_aborted(configured):
    analyser, cable = configured
    cable.hangs = True
    with pytest.raises(InstrumentTimeout):
        analyser.measure()
    assert cable.sent[-1] == "ABOR"
    assert cable.clock.now() < 60


def test_a_stop_aborts_and_progress_rises_to_one(configured):
    analyser, cable = configured
    told = []
    analyser.measure(on_progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert len(told) > 10
    with pytest.raises(StoppedByUser):
        analyser.measure(on_progress=told.append, should_stop=lambda: cable.clock.now() > 4)
    assert cable.sent[-1] == "ABOR"
    with pytest.raises(Refused):
        analyser.fetch()


def test_a_knob_turned_during_the_averages_is_noticed(configured):
    analyser, cable = configured
    analyser.start()
    cable.state["VOLT1:RANG"] = "-3.10000000000E+001"
    cable.clock.sleep(3)
    assert analyser.finished()
    with pytest.raises(InstrumentError, match=r"VOLT1:RANG\? answers"):
        analyser.fetch()


def test_an_error_of_the_measurement_is_told(configured):
    analyser, cable = configured
    analyser.start()
    cable.errors.append('-310,"System error"')
    cable.clock.sleep(3)
    analyser.finished()
    with pytest.raises(InstrumentError, match="-310"):
        analyser.fetch()


@pytest.mark.parametrize(
    ("query", "values", "complaint"),
    [
        ("CALC1:DATA?", np.full(400, DENSITY), "400 values instead of 401"),
        ("CALC1:DATA?", np.full(401, -130.0), "decibels"),
        ("CALC1:X:DATA?", 4.0 * np.arange(400), "400 frequencies"),
        ("CALC1:X:DATA?", 4.0 * np.arange(513) + 1, "lines at"),
        ("CALC1:X:DATA?", 4.00001 * np.arange(513), "lines at"),
    ],
)
def test_a_trace_of_another_kind_is_refused(configured, query, values, complaint):
    analyser, cable = configured
    cable.spoil = lambda command, reply: cable._trace(values) if command == query else reply
    with pytest.raises(InstrumentError, match=complaint):
        analyser.measure()


@pytest.mark.parametrize("spoilt", ["FREQ:SPAN?", "STAT:OPER?", "CALC1:DATA?", "CALC1:X:DATA?", "SYST:ERR?"])
@pytest.mark.parametrize("how", ["missing", "cut", "garbage"])
def test_after_a_spoilt_reply_the_next_measurement_is_whole(configured, spoilt, how):
    analyser, cable = configured

    def spoil(command, reply):
        if command != spoilt:
            return reply
        cable.spoil = lambda command, reply: reply
        garbage = b"\xff\x00" if isinstance(reply, bytes) else "\x07?"
        return {"missing": None, "cut": reply[: len(reply) // 2], "garbage": garbage}[how]

    cable.spoil = spoil
    with pytest.raises(InstrumentError):
        analyser.measure()
    assert len(analyser.measure().frequency_hz) == 401
    assert cable.cleared >= 1 or how == "cut"  # half a whole number is only another one


def test_the_range_is_found_from_rest_with_room_and_frozen():
    analyser, cable = build()
    assert analyser.find_range(SETTINGS) == -31
    assert cable.state["VOLT1:RANG:AUTO"] == "+0"
    with pytest.raises(Refused):
        analyser.measure()


def test_a_range_that_never_rests_is_an_error_and_frozen():
    analyser, cable = build()
    cable.ranges = deque([-31, -29] * 200)
    with pytest.raises(InstrumentError, match="does not come to rest"):
        analyser.find_range(SETTINGS)
    assert cable.state["VOLT1:RANG:AUTO"] == "+0"


def test_the_search_for_a_range_can_be_stopped():
    analyser, cable = build()
    with pytest.raises(StoppedByUser):
        analyser.find_range(SETTINGS, should_stop=lambda: True)
    assert cable.state["VOLT1:RANG:AUTO"] == "+0"


@pytest.mark.parametrize("headroom_db", [-2, 3, 80])
def test_a_headroom_that_is_no_step_is_refused(headroom_db):
    analyser, _ = build()
    with pytest.raises(LimitError):
        analyser.find_range(SETTINGS, headroom_db=headroom_db)


def test_a_calibration_is_done_once_and_its_failure_told(configured):
    analyser, cable = configured
    analyser.calibrate()
    assert cable.state["CAL:AUTO"] == "+0"
    cable.calibration = "+1"
    with pytest.raises(InstrumentError, match="calibration failed"):
        analyser.calibrate()


def test_a_spectrum_of_before_a_calibration_is_not_fetched_after_it(configured):
    analyser, _ = configured
    analyser.measure()
    analyser.calibrate()
    with pytest.raises(Refused):
        analyser.fetch()


@pytest.mark.parametrize("lost", ["STAT:OPER?", "STAT:QUES:VOLT?"])
def test_an_overload_that_was_lost_with_its_reply_is_not_taken_for_none(configured, lost):
    analyser, cable = configured
    analyser.start()
    cable.voltage_events = 1
    cable.clock.sleep(3)
    cable.spoil = lambda command, reply: None if command == lost else reply
    with pytest.raises(InstrumentTimeout):
        analyser.finished()
    cable.spoil = lambda command, reply: reply
    for _ in range(2):
        with pytest.raises(InstrumentError, match="events were lost; start again"):
            analyser.finished()
    with pytest.raises(Refused):
        analyser.fetch()
    assert len(analyser.measure().frequency_hz) == 401


def test_no_calibration_comes_into_a_measurement(configured):
    analyser, cable = configured
    analyser.start()
    with pytest.raises(Refused):
        analyser.calibrate()
    assert "*CAL?" not in cable.sent


def test_off_is_written_before_anything_is_asked_and_verified():
    analyser, cable = build()
    cable.state["INP1:BIAS"] = "+1"
    for _ in range(2):
        analyser.safe_off()
    assert cable.sent[:3] == ["ABOR", "INP1:BIAS OFF", "INP1:BIAS?"]
    assert cable.state["INP1:BIAS"] == "+0"


def test_off_that_cannot_be_shown_is_an_error_and_shutdown_never_raises():
    analyser, cable = build()
    cable.state["INP1:BIAS"] = "+1"
    cable.rounds = {"INP1:BIAS OFF": "ON"}
    with pytest.raises(InstrumentError, match="could not be shown to be off"):
        analyser.safe_off()
    cable.spoil = lambda command, reply: None
    analyser.shutdown()
    assert cable.sent.count("INP1:BIAS OFF") >= 6


def test_the_settings_are_a_snapshot_that_changes_nothing(configured):
    analyser, cable = configured
    before, sent = dict(cable.state), len(cable.sent)
    settings = analyser.settings()
    assert settings["FREQ:SPAN?"] == "+1.60000000000E+003"
    assert all("?" in command for command in cable.sent[sent:])
    assert cable.state == before


def test_nothing_is_measured_before_it_is_configured():
    analyser, cable = build()
    for act in (analyser.start, analyser.measure, analyser.finished, analyser.fetch):
        with pytest.raises(Refused):
            act()
    assert "ABOR;:INIT" not in cable.sent
