import pytest

from tests.sim.keithley2400.conftest import Host


def test_the_exchange_of_the_manual_is_reproduced(host):
    assert host.ask("*IDN?").startswith("KEITHLEY INSTRUMENTS INC.,MODEL 2400,1234567,C33")
    assert host.ask("*RST;*CLS;*OPC?") == "1"
    assert host.ask(":SYST:ERR?") == '0,"No error"'
    host.tell(":SOUR:FUNC VOLT;:SOUR:VOLT:RANG 2;:SOUR:VOLT 0")
    host.tell(':SENS:FUNC "CURR";:SENS:CURR:RANG 1e-6;:SENS:CURR:PROT 1e-7;:SENS:CURR:NPLC 1')
    assert host.ask(":SENS:CURR:RANG?;PROT?") == "1.050000E-06;1.000000E-07"
    assert host.ask(":SYST:VERS?") == "1996.0"
    assert host.device.refused == []


@pytest.mark.parametrize(
    ("query", "reply"),
    [
        (":OUTP?", "0"), (":OUTP:SMOD?", "NORM"), (":SOUR:FUNC?", "VOLT"), (":SOUR:VOLT?", "0.000000E+00"),
        (":SOUR:VOLT:RANG?", "2.100000E+01"), (":SOUR:VOLT:RANG:AUTO?", "1"), (":SOUR:DEL:AUTO?", "1"),
        (":SOUR:CLE:AUTO?", "0"), (":SENS:FUNC?", '"CURR:DC"'), (":SENS:CURR:PROT?", "1.050000E-04"),
        (":SENS:CURR:RANG?", "1.050000E-04"), (":SENS:CURR:RANG:AUTO?", "1"), (":SENS:CURR:NPLC?", "1.000000E+00"),
        (":SENS:VOLT:PROT?", "2.100000E+01"), (":SENS:AVER?", "0"), (":SENS:AVER:COUN?", "10"),
        (":SYST:AZER:STAT?", "1"), (":SYST:RSEN?", "0"), (":ROUT:TERM?", "FRON"), (":ARM:COUN?", "1"),
        (":TRIG:COUN?", "1"), (":ARM:SOUR?", "IMM"), (":SOUR:SWE:POIN?", "2500"), (":SOUR:SWE:SPAC?", "LIN"),
        (":FORM?", "ASC"), (":FORM:BORD?", "NORM"),
        (":FORM:ELEM?", "VOLT,CURR,RES,TIME,STAT"),
    ],
)  # fmt: skip
def test_reset_gives_the_documented_defaults(host, query, reply):
    host.tell(
        ":SENS:CURR:PROT 1e-3;RANG 1e-4;NPLC 10;:SOUR:VOLT 7;:SOUR:DEL 1;:SENS:AVER ON;:ARM:COUN 5;:FORM:ELEM CURR",
        ":FORM REAL;:OUTP:SMOD HIMP;:SYST:AZER OFF;:SOUR:SWE:SPAC LOG;POIN 7",
    )
    assert host.errors() == [0]
    host.tell("*RST")
    assert host.ask(query) == reply


def test_reset_keeps_the_buffer_and_preset_swaps_the_bytes(biased):
    biased.tell(":TRAC:POIN 3;FEED:CONT NEXT", ":TRIG:COUN 3")
    biased.ask(":READ?")
    biased.tell("*RST")
    assert biased.ask(":TRAC:POIN:ACT?;:FORM:BORD?") == "3;NORM"
    biased.tell(":SYST:PRES")
    assert biased.ask(":TRAC:POIN:ACT?;:FORM:BORD?") == "3;SWAP"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (":SENSE:CURRENTS:RANGE 1", -113), ("SENS:CURR:RANGE", -109), (":OUTP ON,OFF", -108), (":OUTP MAYBE", -148),
        (":SENS:FUNC CURR", -151), (':SENS:FUNC "AMPS"', -220), (":SOUR:FUNC OHM", -220), (":SENS:CURR:NPLC 20", -222),
        (":SOUR:VOLT 300", -222), ("*RST 1", -108), (":TRIG:COUN 2501", -222), (":READ", -113), ("*OPC?;*WHAT?", -113),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_refused_with_its_code_and_remembered(host, line, code):
    host.tell(line)
    host.clock.sleep(1)
    host.adapter.flush_read_buffer()
    assert host.errors() == [code]
    assert bool(host.device.refused) == (code > -200)


def test_a_command_error_ends_its_line_and_an_execution_error_does_not(host):
    host.tell(":SENS:CURR:NPLC 99;NPLC 2")
    assert host.ask(":SENS:CURR:NPLC?") == "2.000000E+00"
    host.tell(":NONSENSE;:SENS:CURR:NPLC 3")
    assert host.ask(":SENS:CURR:NPLC?") == "2.000000E+00"


def test_the_error_queue_is_ten_deep_and_says_when_it_was_not_enough(host):
    host.tell(*[":SENS:CURR:NPLC 99"] * 12)
    assert host.ask(":SYST:ERR:COUN?") == "10"
    assert [host.ask(":SYST:ERR?") for _ in range(11)] == [
        *['-222,"Parameter data out of range"'] * 9, '-350,"Queue overflow"', '0,"No error"',
    ]  # fmt: skip


def test_errors_show_in_status_byte_and_event_register(host):
    host.ask("*ESR?")
    host.tell(":NONSENSE", ":SENS:CURR:NPLC 99")
    assert int(host.ask("*STB?")) & 4
    assert int(host.ask("*ESR?")) == 32 | 16
    assert int(host.ask("*ESR?")) == 0
    host.tell("*CLS")
    assert not int(host.ask("*STB?")) & 4


def test_bytes_that_are_no_text_are_an_invalid_character(host):
    host.adapter.write_bytes(b"*ID\xff?\n")
    assert host.errors() == [-101]


def test_a_reply_that_is_not_read_is_lost_and_counted_as_interrupted(host):
    host.tell("*IDN?")
    host.clock.sleep(1)
    assert host.ask(":SYST:TIME:RES:AUTO?") == "0"
    assert host.errors() == [-410]


def test_reading_without_asking_is_unterminated(host):
    host.adapter.connection.timeout = 100
    with pytest.raises(Exception, match="TMO"):
        host.adapter.read()
    assert host.errors() == [-420]


def test_a_line_may_come_byte_by_byte(host):
    for byte in b":SENS:CURR:NPLC 4;NPLC?\n":
        host.link.send(bytes([byte]), host.clock.now())
    assert host.adapter.read() == "4.000000E+00"


def test_settings_are_saved_and_recalled_with_the_output_off(biased):
    biased.tell("*SAV 2", ":SOUR:VOLT 1", "*RCL 2")
    assert biased.ask(":SOUR:VOLT?;:OUTP?") == "5.000000E+00;0"
    assert biased.load.bias_v == 0


def test_a_serial_line_wants_carriage_returns_speaks_ascii_and_is_slow():
    host = Host(baud=9600)
    host.adapter.write_bytes(b"*IDN?\n")
    host.clock.sleep(5)
    assert host.link.receive(host.clock.now()) is None
    host.tell("")
    assert host.adapter.read().startswith("KEITHLEY")
    host.tell(":FORM REAL")
    assert host.errors() == [701]
    host.tell(":OUTP ON", ":TRIG:COUN 10")
    bytes_out = len(host.ask(":READ?")) + 1
    slow_s = host.timed(":FETC?")
    assert slow_s == pytest.approx((bytes_out + len(":FETC?\r")) * 10 / 9600, rel=1e-6)


def test_a_flooded_serial_line_loses_input():
    host = Host(baud=57600)
    host.adapter.write_bytes(b":SENS:CURR:NPLC 2;" * 100)
    assert host.errors() == [-363]


def test_ctrl_c_clears_a_serial_line():
    host = Host(baud=57600)
    host.tell(":OUTP ON;:SENS:CURR:NPLC 10;:TRIG:COUN 1000")
    host.tell(":INIT")
    host.adapter.write_bytes(b"\x03*IDN?\r")
    host.adapter.connection.timeout = 2000
    assert host.adapter.read().startswith("KEITHLEY")
