import numpy as np
import pytest

from instruments.sim.agilent35670a import SimAgilent35670a
from instruments.sim.agilent35670a.status import AVERAGING, CALIBRATING, MEASURING
from instruments.sim.sr570 import SimSr570
from tests.sim.agilent35670a.conftest import Host

RECORD_S = 0.25  # 400 lines of 1600 Hz
SETTLED_S = 0.05 + RECORD_S


def test_a_measurement_takes_its_records_and_completes_only_then():
    host = Host(density_v_per_rthz=1e-5)
    host.set_up("AVER:COUN 20", "AVER ON")
    host.tell("ABOR;:INIT")
    start_s = host.clock.now()
    assert host.ask("*OPC?") == "+1"
    assert host.clock.now() - start_s == pytest.approx(SETTLED_S + 20 * RECORD_S, abs=0.04)  # the last is processed


def test_above_the_real_time_bandwidth_records_take_longer_than_they_last():
    host = Host()
    host.set_up("FREQ:SPAN 102400", "AVER:COUN 200", "AVER ON")
    host.tell("ABOR;:INIT")
    start_s = host.clock.now()
    host.ask("*OPC?")
    assert 2 <= (host.clock.now() - start_s) / (200 * 400 / 102400) <= 4


def test_measuring_and_averaging_rise_after_settling_and_fall_at_the_end():
    host = Host()
    host.set_up("AVER:COUN 4", "AVER ON", "STAT:OPER:NTR 256", "STAT:OPER:PTR 0", "STAT:OPER:ENAB 256", "*SRE 128")
    host.ask("STAT:OPER?")
    host.tell("ABOR;:INIT")
    assert not int(host.ask("STAT:OPER:COND?")) & AVERAGING  # a host that looks too early sees no average
    host.clock.sleep(SETTLED_S + RECORD_S)
    assert int(host.ask("STAT:OPER:COND?")) == MEASURING | AVERAGING == 272
    assert host.adapter.connection.read_stb() & 64 == 0
    host.clock.sleep(4 * RECORD_S)
    assert host.adapter.connection.read_stb() & 64
    assert int(host.ask("STAT:OPER:COND?")) == 0
    assert int(host.ask("STAT:OPER?")) == 256
    assert int(host.ask("STAT:OPER?")) == 0


def test_opc_sets_its_bit_when_the_measurement_is_over():
    host = Host()
    host.set_up("AVER:COUN 4", "AVER ON")
    host.ask("*ESR?")
    host.tell("ABOR;:INIT", "*OPC")
    assert host.ask("*ESR?") == "+0"
    host.clock.sleep(SETTLED_S + 5 * RECORD_S)
    assert host.ask("*ESR?") == "+1"


def test_init_does_nothing_while_continuous_and_abort_begins_anew():
    host = Host(density_v_per_rthz=1e-5)
    host.set_up()
    host.tell("SYST:PRES")
    host.clock.sleep(10)
    host.tell("INIT")
    assert host.errors() == []
    host.tell("ABOR")
    host.clock.sleep(10)
    first = host.numbers("CALC1:DATA?")
    host.clock.sleep(1)
    assert not np.array_equal(host.numbers("CALC1:DATA?"), first)


def test_init_while_measuring_is_ignored_with_an_error():
    host = Host()
    host.set_up("AVER:COUN 4", "AVER ON")
    host.tell("ABOR;:INIT", "INIT")
    assert host.errors() == [-213]


def test_coordinates_reach_the_trace_only_after_a_while():
    host = Host(density_v_per_rthz=1e-5)
    host.set_up()
    linear = host.measure()
    host.tell("CALC1:FORM MLOG")
    np.testing.assert_array_equal(host.numbers("CALC1:DATA?"), linear)  # stale: nobody waited
    host.tell("CALC1:FORM MLIN;*WAI")
    host.tell("CALC1:FORM MLOG;*WAI")
    np.testing.assert_allclose(host.numbers("CALC1:DATA?"), 20 * np.log10(linear))


def test_the_trace_after_a_reset_is_in_decibels():
    host = Host(density_v_per_rthz=1e-5)
    host.tell("*RST;*CLS", "INP2 OFF", "VOLT:RANG -11", "ABOR;:INIT;*WAI")
    assert np.median(host.numbers("CALC1:DATA?")) < 0


def test_continuing_a_finished_average_adds_to_it_and_a_changed_setting_does_not():
    host = Host(density_v_per_rthz=1e-5)
    host.set_up("AVER:COUN 10", "AVER ON")
    first = host.measure()
    host.tell("INIT:CONT ON")
    host.ask("*OPC?")
    added = host.numbers("CALC1:DATA?")
    assert host.device.instrument.average.count == 20
    correlation = np.corrcoef(first[3:] ** 2, added[3:] ** 2)[0, 1]
    assert correlation == pytest.approx(np.sqrt(0.5), abs=5 / np.sqrt(400))
    host.tell("INIT:CONT OFF", "AVER:COUN 8", "INIT:CONT ON")
    host.ask("*OPC?")
    host.numbers("CALC1:DATA?")
    assert host.device.instrument.average.count == 8


def test_a_setting_that_changes_in_the_middle_begins_the_average_anew():
    host = Host()
    host.set_up("AVER:COUN 8", "AVER ON")
    host.tell("ABOR;:INIT")
    host.clock.sleep(SETTLED_S + 6 * RECORD_S)
    host.tell("WIND UNIF")
    start_s = host.clock.now()
    host.ask("*OPC?")
    assert host.clock.now() - start_s == pytest.approx(SETTLED_S + 8 * RECORD_S, abs=0.04)


def test_an_average_can_be_looked_at_while_it_grows_and_aborted():
    host = Host(density_v_per_rthz=1e-5)
    host.set_up("AVER:COUN 100", "AVER ON")
    host.tell("ABOR;:INIT")
    host.clock.sleep(SETTLED_S + 10.5 * RECORD_S)
    assert len(host.numbers("CALC1:DATA?")) == 401
    assert host.device.instrument.average.count == 10
    host.tell("ABOR")
    assert host.ask("*OPC?") == "+1"
    assert host.ask("STAT:OPER:COND?") == "+0"


@pytest.mark.parametrize(("constant_v", "event"), [(0.1, "+0"), (0.25, "+256"), (0.5, "+257")])
def test_half_range_and_overload_are_flagged_and_stay_until_read(constant_v, event):
    host = Host(constant_v=constant_v)
    host.set_up()  # -11 dBVrms: 0.399 V peak
    host.ask("STAT:QUES:VOLT?")
    host.measure()
    assert host.ask("STAT:QUES:VOLT:COND?") == event
    host.signal.constant_v = 0.0
    host.measure()
    assert host.ask("STAT:QUES:VOLT:COND?") == "+0"
    assert host.ask("STAT:QUES:VOLT?") == event
    assert host.ask("STAT:QUES:VOLT?") == "+0"
    assert host.ask("STAT:QUES?") == ("+1" if event == "+257" else "+0")


def test_rejection_waits_for_good_records_for_ever():
    host = Host(constant_v=0.5)
    host.set_up("REJ:STAT ON", "AVER:COUN 4", "AVER ON")
    host.tell("ABOR;:INIT")
    host.clock.sleep(60)
    assert int(host.ask("STAT:OPER:COND?")) & AVERAGING
    host.signal.constant_v = 0.1
    start_s = host.clock.now()
    host.ask("*OPC?")
    assert host.clock.now() - start_s == pytest.approx(4 * RECORD_S, abs=2 * RECORD_S)


@pytest.mark.parametrize(("constant_v", "range_db"), [(1.0, -3), (0.1, -23), (0.0, -51), (40.0, 27)])
def test_autorange_goes_to_the_first_range_that_holds_the_signal(constant_v, range_db):
    host = Host(constant_v=constant_v)
    host.set_up("VOLT:RANG -51", "VOLT:RANG:AUTO ON")
    host.measure()
    assert host.number("VOLT:RANG?") == range_db  # -3 dBVrms is 1.001 V peak


def test_autorange_comes_down_until_half_the_range_is_used_and_with_up_never():
    for direction, range_db in (("EITH", -17), ("UP", 27)):
        host = Host(constant_v=0.1)
        host.set_up("VOLT:RANG 27", f"VOLT:RANG:AUTO:DIR {direction}", "VOLT:RANG:AUTO ONCE")
        host.ask("*OPC?")
        assert host.number("VOLT:RANG?") == range_db
        assert host.ask("VOLT:RANG:AUTO?") == "+0"


def test_the_range_is_frozen_while_an_average_is_taken():
    host = Host(constant_v=0.1)
    host.set_up("VOLT:RANG:AUTO ON", "AVER:COUN 20", "AVER ON")
    host.tell("ABOR;:INIT")
    host.clock.sleep(3)
    before = host.number("VOLT:RANG?")
    assert int(host.ask("STAT:OPER:COND?")) & AVERAGING
    host.ask("STAT:QUES:VOLT?")
    host.signal.constant_v = 5.0
    host.ask("*OPC?")
    assert host.number("VOLT:RANG?") == before
    assert int(host.ask("STAT:QUES:VOLT?")) & 1


def test_a_free_running_instrument_keeps_on_ranging():
    host = Host(constant_v=0.1)
    host.set_up("VOLT:RANG:AUTO ON", "INIT:CONT ON")
    host.clock.sleep(20)
    before = host.number("VOLT:RANG?")
    host.signal.constant_v = 5.0
    for _ in range(40):
        host.clock.sleep(0.5)
        after = host.number("VOLT:RANG?")
    assert before < 0 < after


def test_automatic_calibration_interrupts_a_long_average_and_clears_it():
    host = Host(oversampling=2, density_v_per_rthz=1e-5)
    host.set_up("FREQ:SPAN 100", "AVER:COUN 100", "AVER ON", "CAL:AUTO ON")
    host.clock.sleep_until(1790)
    host.tell("ABOR;:INIT")
    host.clock.sleep_until(1805)
    assert int(host.ask("STAT:OPER:COND?")) == CALIBRATING
    host.ask("*OPC?")
    assert host.clock.now() == pytest.approx(1800 + 20 + 0.05 + 4 + 100 * 4, abs=0.1)
    host.numbers("CALC1:DATA?")
    host.tell("CAL:AUTO OFF")
    host.clock.sleep(3 * 3600)
    assert host.ask("STAT:OPER:COND?") == "+0"


def test_a_calibration_takes_its_time_and_tells_whether_it_worked():
    host = Host()
    host.set_up()
    start_s = host.clock.now()
    assert host.ask("*CAL?") == "+0"
    assert 10 <= host.clock.now() - start_s <= 30
    host.device.instrument.calibration_fails = True
    assert host.ask("*CAL?") == "+1"
    assert host.ask("STAT:QUES:COND?") == "+256"


def test_the_same_seed_gives_the_same_spectrum_and_another_one_does_not():
    found = []
    for seed in (1, 1, 2):
        host = Host(seed=seed)
        host.set_up("AVER:COUN 4", "AVER ON")
        found.append(host.measure())
    np.testing.assert_array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])


@pytest.mark.parametrize("moment_s", [0.01, 0.2, 0.29, 0.6, 1.5])
def test_a_source_that_must_change_can_have_its_past_sampled_first(moment_s):
    host = Host(density_v_per_rthz=1e-5)
    host.set_up("AVER:COUN 4", "AVER ON")
    host.tell("ABOR;:INIT")
    host.clock.sleep(moment_s)
    changed_s = host.clock.now()
    host.device.sample_to(changed_s)
    host.signal.read_to_s = max(host.signal.read_to_s, changed_s)  # asked for the past it would complain
    host.ask("*OPC?")
    assert len(host.numbers("CALC1:DATA?")) == 401


class StrictCurrent:
    """A conductance that lives in the present: neither a window nor a change may lie before it."""

    def __init__(self, siemens=0.0):
        self.siemens, self.bias_v, self.now_s = siemens, 0.0, float("-inf")

    def currents_a(self, start_s, spacing_s, count):
        assert start_s >= self.now_s - 1e-9
        self.now_s = start_s + count * spacing_s
        return np.full(count, self.siemens * self.bias_v)

    def set_bias(self, time_s, bias_v):
        assert time_s >= self.now_s - 1e-9
        self.now_s, self.bias_v = max(time_s, self.now_s), bias_v


def chain(siemens=0.0):
    current = StrictCurrent(siemens)
    amplifier = SimSr570(current, seed=5)
    host = Host()
    host.device = SimAgilent35670a(amplifier, seed=5)
    host.link.device = host.device
    amplifier.before_change = host.device.sample_to
    amplifier.receive(b"*RST\r\n", 0.0)
    return host, amplifier, current


@pytest.mark.parametrize("span_hz", [12.5, 1600, 102400])
@pytest.mark.parametrize("moment_s", [0.02, 0.11, 0.3, 0.8, 1.7])
def test_the_bias_may_change_in_the_middle_of_a_measurement(span_hz, moment_s):
    host, amplifier, current = chain(siemens=1e-7)
    host.set_up(f"FREQ:SPAN {span_hz}", "AVER:COUN 4", "AVER ON")
    amplifier.receive(b"BSON 1\r\n", host.clock.now())
    host.tell("ABOR;:INIT")
    for bias_mv in (100, 200):
        host.clock.sleep(moment_s)
        amplifier.receive(f"BSLV {bias_mv}\r\n".encode(), host.clock.now())
        host.clock.sleep(0.05)
        host.ask("STAT:OPER:COND?")  # the analyser may look before the command on the line is executed, or after
    host.ask("*OPC?")
    assert len(host.numbers("CALC1:DATA?")) == 401
    amplifier.voltages_v(host.clock.now(), 1e-3, 1000)
    assert current.bias_v == 0.2
    assert amplifier.voltages_v(host.clock.now() + 1, 1e-3, 100).mean() == pytest.approx(0.02, abs=10.5e-3)


def test_an_open_preamplifier_at_the_analyser_shows_its_noise():
    host, _, _ = chain()
    host.set_up("FREQ:SPAN 1600", "VOLT:RANG -31", "AVER:COUN 40", "AVER ON")
    found = host.measure()[100:]
    # 600 fA/rtHz over 1 uA/V, the analyser's 42 nV/rtHz (converter as noisy as amplifier), 0.5 % of gain.
    expected = (600e-15 / 1e-6) ** 2 + 2 * 30e-9**2
    spread = np.sqrt((1 + 2 * (4 / 9 + 1 / 36)) / (40 * len(found)))
    assert np.mean(found**2) == pytest.approx(expected, rel=5 * spread + 0.012)
