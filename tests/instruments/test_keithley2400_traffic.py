"""The exact bytes of the driver, message by message."""

import math
import struct

import pytest
from pymeasure.test import expected_protocol

from instruments.keithley2400 import Keithley2400, SourceVoltageSettings
from xraydaq.clock import JumpingClock
from xraydaq.errors import InstrumentError, LimitError, Refused, WireError

IDENTITY = "KEITHLEY INSTRUMENTS INC.,MODEL 2400,1234567,C33   Mar 31 2015 09:32:39/A02  /J/H"
WANTED = SourceVoltageSettings(
    source_range_v=5.0, current_range_a=1e-6, compliance_a=5e-5, nplc=10.0, line_frequency_hz=50.0
)
NO_ERROR = '0,"No error"'

SETTINGS_IN_ORDER = (
    ":SOUR:CLE:AUTO OFF",
    ":SOUR:FUNC VOLT",
    ":SOUR:VOLT:MODE FIX",
    ":SOUR:VOLT 0",
    ":SOUR:VOLT:RANG 20",
    ":SOUR:DEL:AUTO ON",
    ":SYST:RSEN OFF",
    ":SENS:FUNC:CONC OFF",
    ':SENS:FUNC "CURR"',
    ":SENS:CURR:PROT:RSYN OFF",
    ":SENS:CURR:RANG:AUTO ON",
    ":SENS:CURR:PROT 5E-05",
    ":SENS:CURR:RANG 1E-06",
    ":SYST:LFR 50",
    ":SENS:CURR:NPLC 10",
    ":SENS:AVER:STAT OFF",
    ":SYST:AZER:STAT ONCE",
    ":SYST:AZER:STAT OFF",
    ":ARM:SOUR IMM",
    ":ARM:COUN 1",
    ":TRIG:SOUR IMM",
    ":TRIG:COUN 1",
    ":TRIG:DEL 0",
    ":TRAC:FEED:CONT NEV",
    ":FORM ASC",
    ":FORM:BORD NORM",
    ":FORM:SREG ASC",
    ":FORM:ELEM VOLT,CURR,TIME,STAT",
    ":SYST:TIME:RES:AUTO OFF",
    ":SYST:TIME:RES",
)
READ_BACK = (
    ":SOUR:FUNC?;:SENS:FUNC?;:FORM:ELEM?;:SOUR:VOLT:RANG?;"
    ":SENS:CURR:RANG?;:SENS:CURR:PROT?;:SENS:CURR:NPLC?;:SYST:LFR?"
)
READ_BACK_ANSWER = 'VOLT;"CURR:DC";VOLT,CURR,TIME,STAT;2.100000E+01;1.050000E-06;5.000000E-05;1.000000E+01;50'


class Traffic:
    """Builds the expected messages; tokens count up from 16."""

    def __init__(self):
        self.pairs = []
        self._token = 16

    def say(self, *commands):
        self.pairs += [(command, None) for command in commands]
        return self

    def ask(self, queries, answer):
        token = self._next_token()
        self.pairs.append((f"*ESE {token};*ESE?;{queries};*ESE 0", f"{token};{answer}"))
        return self

    def exchange(self, command, answer):
        self.pairs.append((command, answer))
        return self

    def echo(self):
        token = self._next_token()
        self.pairs.append((f"*ESE {token};*ESE?;*ESE 0", f"{token}"))
        return self

    def set(self, *commands):
        for command in commands:
            self.say(command).ask(":SYST:ERR?", NO_ERROR)
        return self

    def configured(self):
        self.ask(":OUTP?", "0").ask(":SYST:ERR?", NO_ERROR).set(*SETTINGS_IN_ORDER)
        return self.ask(READ_BACK, READ_BACK_ANSWER)

    def ready(self):
        """The output is on at 2.5 V: what is asked before a burst or sweep."""
        return self.ask(":OUTP?", "1").ask(":SOUR:VOLT?", "2.500000E+00")

    def _next_token(self):
        token = self._token
        self._token = 16 + (token - 15) % 240
        return token


def driver(traffic, **attributes):
    return expected_protocol(
        Keithley2400, traffic.pairs, connection_attributes=attributes, clock=JumpingClock(0.0), max_bias_v=10.0
    )


def row(voltage=5.0, current=1e-9, time=1.0, status=20484):
    return f"{voltage:+.6E},{current:+.6E},{time:+.6E},{status:+.6E}"


def test_construction_sends_nothing():
    with driver(Traffic()):
        pass


def test_the_base_class_still_sends_its_format_on_construction_which_is_why_it_is_passed_over():
    from pymeasure.instruments.keithley import Keithley2400 as Upstream

    with expected_protocol(Upstream, [(":FORMAT:ELEMENTS VOLTAGE, CURRENT, RESISTANCE, TIME, STATUS", None)]):
        pass


def test_identifying_asks_and_sets_nothing():
    with driver(Traffic().exchange("*IDN?", IDENTITY)) as smu:
        assert smu.identify().serial == "1234567"


def test_another_model_is_not_driven():
    other = IDENTITY.replace("MODEL 2400", "MODEL 2450")
    with driver(Traffic().exchange("*IDN?", other)) as smu, pytest.raises(InstrumentError, match="MODEL 2450"):
        smu.identify()


def test_configuring_sends_every_setting_in_its_order_and_reads_back_what_matters():
    with driver(Traffic().configured()) as smu:
        smu.configure(WANTED)


def test_autozero_stays_on_where_it_is_wanted():
    wanted = SourceVoltageSettings(5.0, 1e-6, 5e-5, 10.0, 50.0, autozero=True)
    commands = [each for each in SETTINGS_IN_ORDER if "AZER" not in each]
    commands.insert(16, ":SYST:AZER:STAT ON")
    traffic = Traffic().ask(":OUTP?", "0").ask(":SYST:ERR?", NO_ERROR).set(*commands)
    with driver(traffic.ask(READ_BACK, READ_BACK_ANSWER)) as smu:
        smu.configure(wanted)


def test_configuring_is_refused_while_the_output_is_on():
    with driver(Traffic().ask(":OUTP?", "1")) as smu, pytest.raises(Refused, match="output is on"):
        smu.configure(WANTED)


def test_a_refused_setting_is_named_with_the_error_of_the_instrument():
    traffic = Traffic().ask(":OUTP?", "0").ask(":SYST:ERR?", NO_ERROR).say(SETTINGS_IN_ORDER[0])
    traffic.ask(":SYST:ERR?", '-113,"Undefined header"').ask(":SYST:ERR?", NO_ERROR)
    with driver(traffic) as smu:
        with pytest.raises(InstrumentError, match=r':SOUR:CLE:AUTO OFF: -113, "Undefined header"'):
            smu.configure(WANTED)
        with pytest.raises(Refused, match="configure"):
            smu.read()


def test_a_status_message_is_not_a_refusal_and_an_old_error_is_not_blamed_on_a_new_setting():
    traffic = Traffic().ask(":OUTP?", "0").ask(":SYST:ERR?", '-222,"Parameter data out of range"')
    traffic.ask(":SYST:ERR?", NO_ERROR).say(SETTINGS_IN_ORDER[0]).ask(":SYST:ERR?", '+114,"Source in compliance"')
    traffic.ask(":SYST:ERR?", NO_ERROR).set(*SETTINGS_IN_ORDER[1:]).ask(READ_BACK, READ_BACK_ANSWER)
    with driver(traffic) as smu:
        smu.configure(WANTED)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("1.050000E-06", "1.050000E-05"),
        ("2.100000E+01", "2.100000E+02"),
        ("5.000000E-05", "1.050000E-04"),
        ("1.000000E+01", "1.000000E+00"),
        (";50", ";60"),
        ('"CURR:DC"', '"VOLT:DC","CURR:DC"'),
        ("VOLT,CURR,TIME,STAT", "VOLT,CURR,RES,TIME,STAT"),
        ("VOLT;", "CURR;"),
    ],
)
def test_a_setting_that_reads_back_as_something_else_is_an_error(right, wrong):
    traffic = Traffic().ask(":OUTP?", "0").ask(":SYST:ERR?", NO_ERROR).set(*SETTINGS_IN_ORDER)
    traffic.ask(READ_BACK, READ_BACK_ANSWER.replace(right, wrong, 1))
    with driver(traffic) as smu, pytest.raises(InstrumentError, match="did not take"):
        smu.configure(WANTED)


def test_a_reading_is_one_question_and_one_answer():
    traffic = Traffic().configured().exchange(":READ?", row()).exchange(":READ?", row(time=1.2))
    with driver(traffic) as smu:
        smu.configure(WANTED)
        assert smu.read().current_a == 1e-9
        reading = smu.read()
    assert (reading.voltage_v, reading.time_s, reading.in_compliance) == (5.0, 1.2, False)


def test_compliance_and_overflow_are_decoded_per_reading():
    traffic = Traffic().configured()
    traffic.exchange(":READ?", row(current=5e-5, status=20492))
    traffic.exchange(":READ?", row(current=1.05e-6, time=2.0, status=20484 + 65536))
    traffic.exchange(":READ?", row(current=9.9e37, time=3.0, status=20485))
    with driver(traffic) as smu:
        smu.configure(WANTED)
        assert smu.read().in_real_compliance
        assert smu.read().in_range_compliance
        overflow = smu.read()
    assert overflow.overflow
    assert math.isnan(overflow.current_a)
    assert not overflow.in_compliance


def test_a_reading_of_another_function_says_that_somebody_else_touched_the_instrument():
    with driver(Traffic().configured().exchange(":READ?", row(status=32768 + 2048 + 4))) as smu:
        smu.configure(WANTED)
        with pytest.raises(InstrumentError, match="by hand"):
            smu.read()


def test_two_rows_are_not_a_reading():
    with driver(Traffic().configured().exchange(":READ?", f"{row()},{row(time=2.0)}")) as smu:
        smu.configure(WANTED)
        with pytest.raises(WireError, match="2 readings"):
            smu.read()


def test_a_bias_is_set_and_read_back():
    traffic = Traffic().say(":SOUR:VOLT 2.5").ask(":SOUR:VOLT?", "2.500000E+00").ask(":SOUR:VOLT?", "2.500000E+00")
    with driver(traffic) as smu:
        smu.bias_v = 2.5
        assert smu.bias_v == 2.5


def test_a_bias_the_instrument_refuses_is_an_error_that_says_why():
    traffic = Traffic().say(":SOUR:VOLT 2.5").ask(":SOUR:VOLT?", "0.000000E+00")
    traffic.ask(":SYST:ERR?", '-222,"Parameter data out of range"').ask(":SYST:ERR?", NO_ERROR)
    with driver(traffic) as smu, pytest.raises(InstrumentError, match=r"SOUR:VOLT 2.5 .* 0.0 V: -222"):
        smu.bias_v = 2.5


@pytest.mark.parametrize("bias_v", [10.0001, -10.0001, 1e9, math.inf, -math.inf, math.nan])
def test_a_bias_over_the_limit_never_reaches_the_wire(bias_v):
    with driver(Traffic()) as smu, pytest.raises(LimitError, match="exceeds the limit of 10"):
        smu.bias_v = bias_v


def test_a_bias_beyond_the_source_range_never_reaches_the_wire():
    wanted = SourceVoltageSettings(2.0, 1e-6, 5e-5, 10.0, 50.0)
    commands = [":SOUR:VOLT:RANG 2" if each.startswith(":SOUR:VOLT:RANG") else each for each in SETTINGS_IN_ORDER]
    traffic = Traffic().ask(":OUTP?", "0").ask(":SYST:ERR?", NO_ERROR).set(*commands)
    with driver(traffic.ask(READ_BACK, READ_BACK_ANSWER.replace("2.100000E+01", "2.100000E+00"))) as smu:
        smu.configure(wanted)
        with pytest.raises(LimitError, match="2 V range"):
            smu.bias_v = 2.2


def test_the_output_is_switched_on_only_when_configured_and_seen_to_be_on():
    with driver(Traffic()) as smu, pytest.raises(Refused, match="configure"):
        smu.output_enabled = True
    with driver(Traffic().configured().say(":OUTP ON").ask(":OUTP?", "1")) as smu:
        smu.configure(WANTED)
        smu.output_enabled = True


def test_an_open_interlock_is_reported_when_the_output_stays_off():
    traffic = Traffic().configured().say(":OUTP ON").ask(":OUTP?", "0")
    traffic.ask(":SYST:ERR?", '+802,"OUTPUT blocked by output enable"').ask(":SYST:ERR?", NO_ERROR)
    with driver(traffic) as smu:
        smu.configure(WANTED)
        with pytest.raises(InstrumentError, match="802"):
            smu.output_enabled = True


def test_off_is_written_before_anything_is_asked():
    with driver(Traffic().say(":ABOR;:OUTP OFF").ask(":OUTP?", "0")) as smu:
        smu.safe_off()


def test_switching_off_twice_and_shutting_down_is_harmless():
    traffic = Traffic()
    for _ in range(4):
        traffic.say(":ABOR;:OUTP OFF").ask(":OUTP?", "0")
    with driver(traffic) as smu:
        smu.safe_off()
        smu.output_enabled = False
        smu.shutdown()
        smu.shutdown()
    assert smu.isShutdown


def test_an_output_that_stays_on_is_cleared_and_switched_off_again():
    traffic = Traffic().say(":ABOR;:OUTP OFF").ask(":OUTP?", "1")
    traffic.say(":ABOR;:OUTP OFF", ":ABOR").echo().ask(":OUTP?", "0")
    with driver(traffic) as smu:
        smu.safe_off()
        assert smu.adapter.connection.clear.called


def test_an_output_that_never_goes_off_is_an_error_and_shutdown_still_does_not_raise():
    def stuck():
        traffic = Traffic().say(":ABOR;:OUTP OFF").ask(":OUTP?", "1")
        for _ in range(2):
            traffic.say(":ABOR;:OUTP OFF", ":ABOR").echo().ask(":OUTP?", "1")
        return traffic

    with driver(stuck()) as smu, pytest.raises(InstrumentError, match="MAY BE ON"):
        smu.safe_off()
    with driver(stuck()) as smu:
        smu.shutdown()
        assert not smu.isShutdown


def test_getting_back_into_step_clears_aborts_and_waits_for_its_own_echo():
    with driver(Traffic().say(":ABOR").echo()) as smu:
        smu.resynchronise()
        assert smu.adapter.connection.clear.called
        assert smu.adapter.connection.flush.called


def test_on_a_serial_line_device_clear_is_control_c():
    from pyvisa.constants import InterfaceType

    traffic = Traffic()
    traffic.pairs.append((b"\x03", None))
    with driver(traffic.say(":ABOR").echo(), interface_type=InterfaceType.asrl) as smu:
        smu.resynchronise()
        assert not smu.adapter.connection.clear.called


def test_a_socket_is_neither_cleared_nor_flushed():
    with driver(Traffic().say(":ABOR").echo(), resource_class="SOCKET") as smu:
        smu.resynchronise()
        assert not smu.adapter.connection.clear.called
        assert not smu.adapter.connection.flush.called


def test_a_late_line_before_an_answer_is_dropped_by_its_token():
    traffic = Traffic()
    traffic.pairs += [("*ESE 16;*ESE?;:OUTP?;*ESE 0", row()), (None, "15;0"), (None, "16;1")]
    with driver(traffic) as smu:
        assert smu.output_enabled


def test_the_error_queue_is_read_until_it_is_empty():
    traffic = Traffic().ask(":SYST:ERR?", '-113,"Undefined header;:FOO"').ask(":SYST:ERR?", '803,"Not permitted"')
    with driver(traffic.ask(":SYST:ERR?", NO_ERROR)) as smu:
        assert [message.code for message in smu.read_errors()] == [-113, 803]


def test_an_error_queue_without_end_is_an_error():
    traffic = Traffic()
    for _ in range(20):
        traffic.ask(":SYST:ERR?", '-350,"Queue overflow"')
    with driver(traffic) as smu, pytest.raises(InstrumentError, match="does not become empty"):
        smu.read_errors()


def packed(rows):
    return b"#0" + b"".join(struct.pack(">4f", *each) for each in rows) + b"\n"


def test_a_burst_is_one_trigger_and_one_binary_block():
    traffic = Traffic().configured().ready()
    traffic.set(":TRIG:DEL 0.5", ":TRIG:COUN 3", ":SYST:TIME:RES", ":FORM REAL,32")
    traffic.exchange(":READ?", packed([(5.0, 1e-9 * index, 0.2 * index, 20484.0) for index in (1, 2, 3)]))
    traffic.set(":TRIG:DEL 0", ":TRIG:COUN 1", ":FORM ASC")
    with driver(traffic) as smu:
        smu.configure(WANTED)
        readings = smu.burst(3, delay_s=0.5)
    assert [reading.current_a for reading in readings] == pytest.approx([1e-9, 2e-9, 3e-9], rel=1e-6)
    assert [reading.time_s for reading in readings] == pytest.approx([0.2, 0.4, 0.6], rel=1e-6)


def test_a_burst_on_a_serial_line_is_text_and_waits_for_its_slow_transfer():
    from pyvisa.constants import InterfaceType

    traffic = Traffic().configured().ready().set(":TRIG:DEL 0", ":TRIG:COUN 2", ":SYST:TIME:RES")
    traffic.exchange(":READ?", f"{row(time=0.2)},{row(time=0.4)}")
    traffic.set(":TRIG:DEL 0", ":TRIG:COUN 1", ":FORM ASC")
    with driver(traffic, interface_type=InterfaceType.asrl, baud_rate=300) as smu:
        timeouts_ms = _recorded_timeouts(smu)
        smu.configure(WANTED)
        assert len(smu.burst(2)) == 2
    assert max(timeouts_ms) > 1000 * (2 * 0.2 + 2 * 56 * 10 / 300)


def _recorded_timeouts(smu):
    """Collect what is set as the timeout; the connection of `expected_protocol` is a mock of pymeasure's own."""
    seen = []
    connection = type(smu.adapter.connection)
    connection.timeout = property(lambda self: seen[-1], lambda self, value: seen.append(value))
    return seen


def test_where_binary_is_refused_a_burst_is_text():
    traffic = Traffic().configured().ready().set(":TRIG:DEL 0", ":TRIG:COUN 1", ":SYST:TIME:RES")
    traffic.say(":FORM REAL,32").ask(":SYST:ERR?", '+701,"ASCII only with RS-232"').ask(":SYST:ERR?", NO_ERROR)
    traffic.exchange(":READ?", row(time=0.2)).set(":TRIG:DEL 0", ":TRIG:COUN 1", ":FORM ASC")
    with driver(traffic, resource_class="SOCKET") as smu:
        smu.configure(WANTED)
        assert len(smu.burst(1)) == 1


@pytest.mark.parametrize("count", [0, -1, 2501, math.nan, 1.5])
def test_a_burst_of_a_size_that_does_not_exist_is_refused_before_anything_is_sent(count):
    with driver(Traffic()) as smu, pytest.raises(LimitError, match="readings by one trigger"):
        smu.burst(count)


def test_a_burst_with_the_output_off_is_refused_because_the_instrument_would_be_silent():
    with driver(Traffic().configured().ask(":OUTP?", "0")) as smu:
        smu.configure(WANTED)
        with pytest.raises(Refused, match="output is off"):
            smu.burst(3)


SWEEP_BEFORE = (":SOUR:SWE:RANG FIX", ":SOUR:SWE:CAB NEV")
SWEEP_AFTER = (
    ":SOUR:VOLT:MODE FIX",
    ":SOUR:VOLT:RANG 20",
    ":SOUR:VOLT 2.5",
    ":SOUR:DEL:AUTO ON",
    ":TRIG:COUN 1",
    ":FORM ASC",
)


def test_a_list_sweep_sends_its_levels_and_goes_back_to_the_fixed_level():
    traffic = Traffic().configured().ready().set(":SOUR:DEL 0.1", *SWEEP_BEFORE)
    traffic.set(":SOUR:LIST:VOLT 0,-2.5,5", ":SOUR:VOLT:MODE LIST", ":TRIG:COUN 3", ":SYST:TIME:RES")
    traffic.ask(":SOUR:LIST:VOLT:POIN?", "3").set(":FORM REAL,32")
    levels_v = (0.0, -2.5, 5.0)
    traffic.exchange(":READ?", packed([(each, 1e-9, 0.3 * n, 20484.0) for n, each in enumerate(levels_v)]))
    with driver(traffic.set(*SWEEP_AFTER)) as smu:
        smu.configure(WANTED)
        assert [reading.voltage_v for reading in smu.sweep(levels_v, delay_s=0.1)] == [0.0, -2.5, 5.0]


def test_a_linear_sweep_sends_its_ends_and_its_points():
    traffic = Traffic().configured().ready().set(":SOUR:DEL:AUTO ON", *SWEEP_BEFORE)
    traffic.set(":SOUR:SWE:SPAC LIN", ":SOUR:SWE:DIR UP", ":SOUR:VOLT:STAR -1", ":SOUR:VOLT:STOP 1")
    traffic.set(":SOUR:SWE:POIN 3", ":SOUR:VOLT:MODE SWE", ":TRIG:COUN 3", ":SYST:TIME:RES")
    traffic.ask(":SOUR:SWE:POIN?", "3").set(":FORM REAL,32")
    traffic.exchange(":READ?", packed([(each, 1e-9, 1.0 + each, 20484.0) for each in (-1.0, 0.0, 1.0)]))
    with driver(traffic.set(*SWEEP_AFTER)) as smu:
        smu.configure(WANTED)
        assert [reading.voltage_v for reading in smu.linear_sweep(-1.0, 1.0, 3)] == [-1.0, 0.0, 1.0]


@pytest.mark.parametrize("level_v", [10.5, -11.0, math.nan, math.inf])
def test_one_level_of_a_sweep_over_the_limit_stops_all_of_it_before_the_wire(level_v):
    with driver(Traffic().configured()) as smu:
        smu.configure(WANTED)
        with pytest.raises(LimitError, match="limit of 10"):
            smu.sweep([0.0, 1.0, level_v, 2.0])
        with pytest.raises(LimitError):
            smu.linear_sweep(0.0, level_v, 5)


def test_a_point_that_reports_another_level_is_an_error_and_the_source_goes_back_to_its_fixed_level():
    traffic = Traffic().configured().ready().set(":SOUR:DEL:AUTO ON", *SWEEP_BEFORE)
    traffic.set(":SOUR:LIST:VOLT 1,2", ":SOUR:VOLT:MODE LIST", ":TRIG:COUN 2", ":SYST:TIME:RES")
    traffic.ask(":SOUR:LIST:VOLT:POIN?", "2").set(":FORM REAL,32")
    traffic.exchange(":READ?", packed([(1.0, 1e-9, 0.1, 20484.0), (1.0, 1e-9, 0.2, 20484.0)]))
    traffic.say(":ABOR").echo().set(*SWEEP_AFTER).exchange(":READ?", row())
    with driver(traffic) as smu:
        smu.configure(WANTED)
        with pytest.raises(InstrumentError, match=r"point 2 .* 1.0 V instead of 2.0 V"):
            smu.sweep([1.0, 2.0])
        assert smu.read().voltage_v == 5.0


def test_settings_are_asked_a_few_at_a_time_and_kept_as_they_are_spelled():
    from instruments.keithley2400.settings import SETTINGS

    answers = {query: f"{index}" for index, query in enumerate(SETTINGS)}
    traffic = Traffic()
    for first in range(0, len(SETTINGS), 6):
        queries = SETTINGS[first : first + 6]
        traffic.ask(";".join(queries), ";".join(answers[query] for query in queries))
    with driver(traffic) as smu:
        assert smu.settings() == answers


def test_the_uncertainty_of_a_current_is_that_of_the_range_and_the_integration_time():
    with driver(Traffic().configured()) as smu:
        smu.configure(WANTED)
        # SPEC-2400, 1 uA range: 0.029 % and 300 pA, rectangular
        assert smu.current_uncertainty_a(0.0) == pytest.approx(300e-12 / math.sqrt(3))
        assert smu.current_uncertainty_a(1e-6) == pytest.approx(math.hypot(300e-12, 290e-12) / math.sqrt(3))
        assert math.isnan(smu.current_uncertainty_a(math.nan))


def test_closing_twice_closes_once_and_leaves_the_instrument_as_it_is():
    with driver(Traffic()) as smu:
        smu.close()
        smu.close()
        assert smu.adapter.connection.close.call_count == 1
