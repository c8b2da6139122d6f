import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sim.lakeshore335.conftest import Bath, Host

EXECUTION, COMMAND, POWER_ON = 16, 32, 128


def test_the_worked_exchange_is_reproduced():
    host = Host(Bath(lambda _time_s: 295.412))
    assert host.ask("*IDN?") == "LSCI,MODEL335,1234567/1234567,1.0"
    assert host.ask("KRDG? A;RDGST? A") == "+295.412;000"
    host.tell("OUTMODE 1,1,1,0", "RAMP 1,0,0;SETP 1,295.4", "RAMP 1,1,2.0", "RANGE 1,2", "SETP 1,300")
    assert (host.ask("RAMPST? 1"), host.ask("OUTMODE? 1"), host.ask("RANGE? 1")) == ("1", "1,1,0", "2")
    host.clock.sleep(21 - 3 * 0.06)
    assert float(host.ask("SETP? 1")) == pytest.approx(296.1, abs=2 / 60 * 0.5)  # half a second for the messages
    host.clock.sleep(120)
    assert (host.ask("RAMPST? 1"), host.ask("SETP? 1")) == ("0", "+300.000")
    assert host.ask("HTRST? 1") == "0"
    assert host.ask("*ESR?") == f"{POWER_ON:03d}"
    assert host.device.refused == []
    assert not host.answers("FOO?")
    assert host.ask("*ESR?") == "032"


@pytest.mark.parametrize(
    ("query", "reply"),
    [
        ("RANGE? 1", "0"), ("PID? 1", "+50.0,+20.0,+0.0"), ("RAMP? 1", "0,+0.0"), ("MOUT? 1", "+0.000"),
        ("FILTER? A", "0,8,10"), ("TLIMIT? A", "+0.000"), ("OUTMODE? 1", "1,1,0"), ("OUTMODE? 2", "0,0,0"),
        ("HTRSET? 1", "0,2,2,+0.000,1"), ("INTYPE? A", "1,0,0,0,1"), ("INCRV? A", "2"), ("EMUL?", "0"),
        ("MODE?", "0"), ("HTR? 1", "+0.0"), ("CRDG? A", "+26.8500"), ("*OPC?", "1"), ("*STB?", "000"),
    ],
)  # fmt: skip
def test_a_new_instrument_has_the_factory_settings(host, query, reply):
    assert host.ask(query) == reply


@pytest.mark.parametrize(
    ("command", "query", "reply"),
    [
        ("SETP 1,240.125", "SETP? 1", "+240.125"), ("RAMP 1,1,0.5", "RAMP? 1", "1,+0.5"),
        ("PID 2,12,5,6.7", "PID? 2", "+12.0,+5.0,+6.7"), ("MOUT 1,12.5", "MOUT? 1", "+12.500"),
        ("FILTER B,1,16,2", "FILTER? B", "1,16,2"), ("TLIMIT A,345", "TLIMIT? A", "+345.000"),
        ("HTRSET 1,0,1,4,0,2", "HTRSET? 1", "0,1,4,+0.000,2"), ("HTRSET 1,1,3,0,1", "HTRSET? 1", "0,1,3,+0.000,1"),
        ("INTYPE A,2,1,0,1,2", "INTYPE? A", "2,1,0,1,2"), ("MODE 1", "MODE?", "1"), ("LOCK 1,42", "LOCK?", "1,042"),
        ("RANGE 2,1", "RANGE? 2", "1"), ("*ESE 36", "*ESE?", "036"), ("incrv a,21", "incrv? a", "21"),
    ],
)  # fmt: skip
def test_what_is_set_is_told(host, command, query, reply):
    host.tell(command)
    assert host.ask(query) == reply
    assert host.device.refused == []


@pytest.mark.parametrize(
    ("command", "query", "bit"),
    [
        ("SETP 1,501", "SETP? 1", EXECUTION), ("SETP 3,300", "SETP? 1", EXECUTION), ("SETP 1,nan", "SETP? 1", COMMAND),
        ("SETP 1", "SETP? 1", COMMAND), ("PID 1,50,20", "PID? 1", COMMAND), ("PID 1,0,20,0", "PID? 1", EXECUTION),
        ("RAMP 1,1,0.05", "RAMP? 1", EXECUTION), ("RAMP 1,1,101", "RAMP? 1", EXECUTION),
        ("RANGE 1,4", "RANGE? 1", EXECUTION), ("RANGE 1,0.5", "RANGE? 1", EXECUTION), ("RANGE 1", "RANGE? 1", COMMAND),
        ("TLIMIT C,300", "TLIMIT? A", EXECUTION), ("TLIMIT A,-1", "TLIMIT? A", EXECUTION),
        ("FILTER A,1,65,2", "FILTER? A", EXECUTION), ("OUTMODE 1,5,1,0", "OUTMODE? 1", EXECUTION),
        ("HTRSET 1,1,1,2,0,1", "HTRSET? 1", EXECUTION), ("KRDG A", "KRDG? A", COMMAND), ("SYST:ERR", "MODE?", COMMAND),
    ],
)  # fmt: skip
def test_a_refused_command_changes_nothing_sets_its_bit_and_is_remembered(host, command, query, bit):
    before = host.ask(query)
    host.ask("*ESR?")
    host.tell(command)
    assert host.ask(query) == before
    assert host.ask("*ESR?") == f"{bit:03d}"
    assert host.ask("*ESR?") == "000"
    assert host.device.refused == [(command, bit)]


@pytest.mark.parametrize("query", ["SYST:ERR?", "KRDG? C", "KRDG?", "SETP? 3", "RANGE?", "*IDN? 1", "*RST?"])
def test_a_query_that_is_not_understood_is_answered_by_silence(host, query):
    assert not host.answers(query)
    assert len(host.device.refused) == 1


def test_a_summary_of_enabled_events_shows_in_the_status_byte(host):
    host.ask("*ESR?")
    host.tell("*ESE 32", "*SRE 32", "WHAT 1")
    assert host.ask("*STB?") == "096"
    host.tell("*CLS")
    assert host.ask("*STB?") == "000"


def test_a_message_less_than_50_ms_after_the_last_one_is_lost(host):
    host.tell("MODE 1")
    host.adapter.write("MODE 2")
    host.adapter.write("*IDN?")
    host.clock.sleep(1)
    assert host.link.receive(host.clock.now()) is None
    assert [line for _, line in host.device.too_close] == ["*IDN?"]
    assert host.ask("MODE?") == "2"
    assert host.device.refused == []


def test_messages_50_ms_apart_are_all_carried_out(host):
    for points in range(2, 30):
        host.adapter.write(f"FILTER A,1,{points},5")
        host.clock.sleep(0.050 + 20 * 10 / 57600)
        host.device.advance(host.clock.now())
        assert host.device.instrument.inputs["A"].settings.filter_points == points
    assert host.device.too_close == []


def test_a_reply_begins_after_10_ms_and_takes_ten_bits_a_character(host):
    host.clock.sleep(1)
    start_s = host.clock.now()
    host.adapter.write("*OPC?")
    assert host.adapter.read() == "1"
    assert host.clock.now() - start_s == pytest.approx(0.010 + (len("*OPC?\r\n") + len("1\r\n")) * 10 / 57600)


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_message_may_come_in_pieces_and_a_lone_line_feed_is_no_message(host, end):
    for piece in (b"\n", b"*ID", b"N?", end):
        host.link.send(piece, host.clock.now())
        host.clock.sleep(0.01)
    host.clock.sleep(0.1)
    assert host.link.receive(host.clock.now()) == b"LSCI,MODEL335,1234567/1234567,1.0\r\n"
    assert host.device.refused == host.device.too_close == []


def test_the_first_message_after_a_pause_may_fail_once_as_was_reported():
    host = Host(stumbles_after_idle_s=300)
    assert host.ask("*OPC?") == "1"
    host.clock.sleep(400)
    assert not host.answers("*OPC?")
    assert host.ask("*OPC?") == "1"


def test_a_331_does_not_number_its_heater_and_takes_one_query_a_line():
    host = Host(model="331")
    assert host.ask("*IDN?").startswith("LSCI,MODEL331")
    host.tell("RANGE 3")
    assert (host.ask("RANGE?"), host.ask("HTR?")) == ("3", "+0.0")
    assert not host.answers("RANGE? 1")
    assert not host.answers("TLIMIT? A")
    assert host.ask("KRDG? A;RDGST? A") == "+300.000"
    assert host.ask("CMODE? 1") == "1,1,0"


def test_a_336_gives_all_four_inputs_at_once_and_a_335_does_not():
    assert Host(model="336").ask("KRDG? 0") == "+300.000,+0.00000,+0.00000,+0.00000"
    assert not Host().answers("KRDG? 0")


def test_over_a_network_there_is_no_line_speed():
    host = Host(baud=None)
    start_s = host.clock.now()
    host.adapter.write("*OPC?")
    host.adapter.read()
    assert host.clock.now() - start_s == pytest.approx(0.010)
    with pytest.raises(ValueError, match="57600 only"):
        Host(baud=9600)


words = st.sampled_from(
    ["SETP", "RANGE", "PID", "RAMP", "KRDG?", "OUTMODE", "HTRSET", "ZONE", "TLIMIT", "*RST", "LOCK"]
)
values = st.lists(st.sampled_from(["1", "2", "0", "A", "-5", "1e30", "", "nan", "3"]), max_size=7).map(",".join)
lines = st.lists(st.tuples(words, values).map(" ".join), min_size=1, max_size=3).map(";".join)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.one_of(lines.map(str.encode), st.binary(max_size=30)), max_size=10))
def test_whatever_is_sent_the_simulator_answers_or_refuses_and_never_breaks(messages):
    host = Host()
    for message in messages:
        host.link.send(message + b"\n", host.clock.now())
        host.clock.sleep(0.2)
        host.link.receive(host.clock.now())
    host.adapter.flush_read_buffer()
    assert host.ask("*IDN?").startswith("LSCI")
    assert all(0 <= power_w <= 100 for _, power_w in host.plant.heated)
