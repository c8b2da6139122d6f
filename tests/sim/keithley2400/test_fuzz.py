from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sim.keithley2400.conftest import Host

WORDS = [
    ":SOUR:VOLT", ":SOUR:VOLT:RANG", ":SENS:CURR:PROT", ":SENS:CURR:RANG", ":SENS:FUNC", ":OUTP", "*RST", ":READ?",
    ":INIT", ":ABOR", ":TRIG:COUN", ":ARM:COUN", ":FORM", ":TRAC:DATA?", ":TRAC:FEED:CONT",
    "*OPC?", "*TRG", ":FETC?", "*SAV",
    "*RCL",
    ":SOUR:SWE:POIN", ":SOUR:VOLT:MODE", ":SOUR:LIST:VOLT", ":CALC3:DATA?", ":SYST:PRES", ":CONF:CURR", ":MEAS:VOLT?",
    ":SOUR:FUNC", ":SOUR:VOLT:STAR", ":SOUR:VOLT:STOP", ":SOUR:SWE:SPAC", ":SENS:AVER", ":SENS:CURR:NPLC",
    ":SYST:ERR?",
]  # fmt: skip
VALUES = [
    "",
    "1",
    "0",
    "-5",
    "1e-6",
    "MAX",
    "ON",
    "VOLT",
    "CURR",
    '"CURR"',
    "LOG",
    "SWE",
    "LIST",
    "NEXT",
    "INF",
    "1,2",
    "BUS",
]
units = st.tuples(st.sampled_from(WORDS), st.sampled_from(VALUES)).map(" ".join)
lines = st.lists(units, min_size=1, max_size=3).map(";".join)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.one_of(lines.map(str.encode), st.binary(max_size=30)), max_size=12), st.integers(1, 5000))
def test_whatever_is_sent_the_simulator_answers_or_refuses_and_never_breaks(messages, pause_ms):
    host = Host()
    for message in messages:
        host.link.send(message + b"\n", host.clock.now())
        host.clock.sleep(pause_ms / 1000)
        host.link.receive(host.clock.now())
    host.adapter.connection.clear()
    host.adapter.flush_read_buffer()
    host.tell("*CLS")
    assert host.ask("*IDN?").startswith("KEITHLEY")
    assert abs(host.load.bias_v) <= 211
