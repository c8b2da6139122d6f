import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instruments.sim.agilent35670a import Unit
from tests.sim.agilent35670a.conftest import Host


def test_the_set_up_of_the_reference_is_understood_and_told_back(host):
    host.tell(
        "INST:SEL FFT", "INP2 OFF", "INP1:COUP DC;LOW FLO", "CAL:AUTO OFF", "FREQ:SPAN:LINK STAR", "FREQ:RES 800",
        "FREQ:STAR 0", "FREQ:SPAN 12800",
    )  # fmt: skip
    assert host.ask("FREQ:STAR?") == "+0.00000000000E+000"
    host.tell(
        "WIND HANN", "AVER:TYPE RMS;COUN 100;TCON FRE", "AVER ON", "VOLT1:RANG:AUTO ON", "CALC1:FEED 'XFR:POW 1'"
    )
    host.tell("CALC1:FORM MLIN", 'CALC1:UNIT:VOLT "V/RTHZ"', "INP1:BIAS OFF", "INP1:FILT:AWE OFF", "TRIG:SOUR IMM")
    assert host.ask("*OPC?") == "+1"
    for query, reply in (
        ("FREQ:SPAN?", "+1.28000000000E+004"), ("SWE:TIME?", "+6.25000000000E-002"), ("AVER:COUN?", "+100"),
        ("CALC1:UNIT:VOLT?", '"V/RTHZ"'), ("CALC:FORM?", "MLIN"), ("WIND?", "HANN"), ("CALC1:FEED?", '"XFR:POW 1"'),
        ("VOLT:RANG? UNIT", '"DBVRMS"'), ("FREQ:SPAN? UNIT", '"HZ"'), ("FORM?", "ASC,+12"), ("AVER?", "+1"),
        ("*IDN?", "Agilent Technologies,35670A,MY42504567,A.01.11"), ("*OPT?", '""'), ("SYST:ERR?", '+0,"No error"'),
    ):  # fmt: skip
        assert host.ask(query) == reply
    assert host.device.refused == []


@pytest.mark.parametrize(
    ("query", "reset", "preset"),
    [("INIT:CONT?", "+0", "+1"), ("CAL:AUTO?", "+0", "+1"), ("FREQ:SPAN:LINK?", "CENT", "STAR"),
     ("WIND?", "FLAT", "FLAT"), ("INP2?", "+1", "+1"), ("CALC1:FORM?", "MLOG", "MLOG"),
     ("CALC2:FORM?", "REAL", "REAL"), ("AVER?", "+0", "+0"),
     ("AVER:COUN?", "+10", "+10"), ("CALC:UNIT:VOLT?", '"V2"', '"V2"'), ("VOLT:RANG:AUTO?", "+1", "+1"),
     ("INP:COUP?", "DC", "DC"), ("FREQ:RES?", "+400", "+400"),
     ("SWE:OVER?", "+0.00000000000E+000", "+0.00000000000E+000")],
)  # fmt: skip
def test_reset_and_preset_differ_as_documented(host, query, reset, preset):
    assert host.ask(query) == reset
    host.tell("SYST:PRES")
    assert host.ask(query) == preset


@pytest.mark.parametrize(
    ("line", "code"),
    [("FREQ:SPANN?", -113), ("CALCU1:FORM MLIN", -113), ("CALC1:FEED XFR", -151), ("CALC1:FEED 'XFR:PSD 1'", -224),
     ('CALC1:UNIT:VOLT "V/HZ"', -224), ("FORM REAL,16", -224), ("VOLT:RANG 28", -222), ("VOLT:RANG 1 OHM", -131),
     ("AVER:COUN 0", -222), ("AVER:COUN", -109), ("INIT 1", -108), ("FREQ:RES 1600", -222), ("INST:SEL OCT", -241),
     ("FREQ:STAR 114E3", -222), ("INP1 OFF", -221), ("CALC1:DATA?", -230), ("CALC1:DATA? 3", -108), ("*OPC? 1", -108)],
)  # fmt: skip
def test_what_is_not_taken_is_refused_with_its_code_and_remembered(host, line, code):
    host.tell(line)
    host.clock.sleep(1)
    assert host.errors() == [code]
    assert [refused for _, refused in host.device.refused] == [code]


def test_the_error_queue_is_five_deep_keeps_the_oldest_and_says_when_it_was_not_enough(host):
    host.tell("NONSENSE", *["AVER:COUN 0"] * 7)
    assert host.errors() == [-113, -222, -222, -222, -350]


def test_a_line_longer_than_the_input_buffer_is_lost_as_a_whole(host):
    fits = "AVER:COUN 20;" + " " * (127 - 13)
    host.tell(fits)
    assert host.ask("AVER:COUN?") == "+20"
    host.tell("AVER:COUN 30;" + " " * (128 - 13))
    assert host.ask("AVER:COUN?") == "+20"
    assert host.errors() == [-430]


def test_the_output_queue_holds_one_reply(host):
    host.tell("AVER:COUN?")
    host.clock.sleep(1)
    assert host.ask("WIND?") == "FLAT"
    assert host.errors() == [-410]
    assert host.ask("AVER:COUN?;:WIND?") == "FLAT"
    assert host.errors() == [-410]
    assert host.ask("*IDN?;:WIND?").startswith("Agilent")
    assert host.errors() == [-440]


def test_reading_without_asking_is_unterminated(host):
    host.adapter.connection.timeout = 100
    with pytest.raises(Exception, match="TMO"):
        host.adapter.read()
    assert host.errors() == [-420]


def test_bytes_that_are_no_text_are_an_invalid_character(host):
    host.adapter.write_bytes(b"*ID\xff?\n")
    assert host.errors() == [-101]


@pytest.mark.parametrize(
    ("asked", "found"), [("5000", 6400), ("6400", 6400), ("12.8 KHZ", 12800), ("1", 1.5625), ("0.1", 0.1953125)]
)
def test_spans_are_rounded_up_to_a_power_of_two_below_the_widest(host, asked, found):
    host.tell("FREQ:SPAN:LINK STAR", "FREQ:STAR 0", f"FREQ:SPAN {asked}")
    assert host.number("FREQ:SPAN?") == found
    assert host.number("FREQ:STAR?") == 0
    assert host.number("SWE:TIME?") == pytest.approx(400 / found, rel=1e-11)
    assert host.errors() == []


def test_the_second_input_halves_the_widest_span(host):
    host.tell("FREQ:SPAN:FULL")
    assert host.number("FREQ:SPAN?") == 51200
    host.tell("INP2 OFF", "FREQ:SPAN:FULL")
    assert host.number("FREQ:SPAN?") == 102400
    host.tell("INP2 ON")
    assert host.number("FREQ:SPAN?") == 51200


def test_after_a_reset_the_start_moves_with_the_span_until_it_is_linked(host):
    host.tell("FREQ:SPAN 12800")
    assert host.number("FREQ:STAR?") == (51200 - 12800) / 2
    host.tell("FREQ:SPAN:LINK STAR", "FREQ:STAR 0", "FREQ:SPAN 100")
    assert host.number("FREQ:STAR?") == 0
    host.tell("FREQ:STOP 1000")
    assert (host.number("FREQ:STAR?"), host.number("FREQ:SPAN?")) == (0, 1600)


@pytest.mark.parametrize(
    ("asked", "found"),
    [("-33", -33), ("-32.5", -31), ("-70", -51), ("27", 27), ("1 VRMS", 1), ("1.42 VPK", 1), ("5V", 11)],
)
def test_ranges_are_rounded_up_to_a_step_and_end_autorange(host, asked, found):
    host.tell(f"VOLT1:RANG {asked}")
    assert host.number("VOLT:RANG?") == found
    assert host.ask("VOLT:RANG:AUTO?") == "+0"


def test_lines_are_rounded_up_and_the_newer_firmware_has_more(host):
    host.tell("FREQ:RES 500")
    assert host.ask("FREQ:RES?") == "+800"
    newer = Host(unit=Unit(has_1600_lines=True))
    newer.tell("*RST", "FREQ:RES 1600")
    assert newer.ask("FREQ:RES?") == "+1600"


def test_a_reset_takes_seconds_and_what_follows_waits(host):
    start_s = host.clock.now()
    assert host.ask("*RST;*CLS;*OPC?") == "+1"
    assert 3 <= host.clock.now() - start_s <= 6


WORDS = ["FREQ:SPAN", "FREQ:STAR", "FREQ:RES", "SWE:OVER", "AVER", "AVER:COUN", "INIT:CONT", "INIT", "ABOR", "*WAI",
         "*RST", "*OPC?", "CALC1:FEED", "CALC1:FORM", "CALC1:DATA?", "CALC1:X:DATA?", "VOLT:RANG", "VOLT:RANG:AUTO",
         "INP2", "WIND", "INP1:COUP", "REJ:STAT", "CAL:AUTO", "SYST:PRES", "STAT:OPER?", "*CAL?",
         "FREQ:CENT", "SYST:ERR?"]  # fmt: skip
VALUES = ["", "0", "1", "3", "200", "1600", "5E4", "-20", "ON", "OFF", "ONCE", "MLIN", "'XFR:POW 1'", "'XTIM:VOLT 1'",
          "HANN", "AC", "50"]  # fmt: skip
units = st.tuples(st.sampled_from(WORDS), st.sampled_from(VALUES)).map(" ".join)
lines = st.lists(units, min_size=1, max_size=3).map(";:".join)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.one_of(lines.map(str.encode), st.binary(max_size=30)), max_size=10), st.integers(1, 3000))
def test_whatever_is_sent_the_simulator_answers_or_refuses_and_never_breaks(messages, pause_ms):
    host = Host(density_v_per_rthz=1e-5, oversampling=2)
    for message in messages:
        host.link.send(message + b"\n", host.clock.now())
        host.clock.sleep(pause_ms / 1000)
        host.link.receive(host.clock.now())
    host.adapter.connection.clear()
    host.adapter.flush_read_buffer()
    host.tell("*CLS")
    assert host.ask("*IDN?").startswith("Agilent")
