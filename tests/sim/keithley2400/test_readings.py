import struct

import numpy as np
import pytest

REAL_COMPLIANCE, RANGE_COMPLIANCE, OVERFLOW = 8, 65536, 1


def status(row):
    return int(row[4])


def test_the_order_on_the_wire_is_always_the_same(biased):
    biased.tell(":FORM:ELEM STAT,CURR,VOLT")
    volts, amps, word = biased.ask(":READ?").split(",")
    assert (volts, word) == ("+5.000000E+00", "+2.150800E+04")
    assert float(amps) == pytest.approx(50e-9, rel=2e-2)


def test_what_is_not_measured_is_the_programmed_value_or_not_available(biased):
    assert biased.read()[0][2] == 9.91e37
    biased.tell(":SENS:FUNC 'VOLT'")
    (row,) = biased.read()
    assert row[0] == pytest.approx(5, abs=2e-3)
    assert status(row) == 21508 + 2048


@pytest.mark.parametrize("nplc", [0.01, 0.1, 1, 10])
def test_a_reading_takes_the_time_of_its_integration(biased, nplc):
    biased.tell(f":SENS:CURR:NPLC {nplc}", ":SOUR:DEL 0.01")
    assert biased.timed() == pytest.approx(nplc / 50 + 0.01 + 0.0005 + 0.003, abs=1e-6)


def test_autozero_functions_and_filter_multiply_the_time(biased):
    biased.tell(":SENS:CURR:NPLC 1", ":SOUR:DEL 0")
    once_s = biased.timed() - 0.0035
    biased.tell(":SYST:AZER ON")
    assert biased.timed() - 0.0035 == pytest.approx(3 * once_s)
    biased.tell(":SENS:FUNC 'VOLT'")
    assert biased.timed() - 0.0035 == pytest.approx(6 * once_s)
    biased.tell(":SENS:AVER:COUN 5;:SENS:AVER ON")
    assert biased.timed() - 0.0035 == pytest.approx(30 * once_s)


def test_sixty_hertz_mains_shortens_the_cycle(biased):
    biased.tell(":SOUR:DEL 0;:SYST:LFR 60")
    assert biased.timed() == pytest.approx(1 / 60 + 0.0035)


@pytest.mark.parametrize(("range_a", "resolution_a"), [(1e-6, 1e-11), (1e-5, 1e-10), (1e-4, 1e-9)])
def test_noise_and_resolution_belong_to_the_range(biased, range_a, resolution_a):
    biased.tell(f":SENS:CURR:RANG {range_a}", ":TRIG:COUN 2500")
    amps = np.array(biased.read())[:, 1]
    steps = amps / resolution_a
    assert np.allclose(steps, np.round(steps), atol=1e-3)
    expected = np.hypot(5e-6 * range_a, resolution_a / np.sqrt(12))
    assert amps.std() == pytest.approx(expected, rel=0.1)  # 2500 readings: 1.4 %, and steps twice the noise


def test_a_shorter_integration_is_noisier_and_hears_the_mains(biased):
    biased.tell(":TRIG:COUN 2500")
    quiet = np.array(biased.read())[:, 1].std()
    biased.tell(":SENS:CURR:NPLC 0.01")
    noisy = np.array(biased.read())[:, 1].std()
    assert noisy == pytest.approx(250e-12, rel=0.1)
    assert noisy > 20 * quiet


def test_the_offset_is_within_the_specification_and_not_zero(biased):
    biased.tell(":SOUR:VOLT 0;:SENS:CURR:NPLC 10;:TRIG:COUN 100")
    offset_a = np.mean(np.array(biased.read())[:, 1])
    assert 10e-12 < abs(offset_a) < 300e-12


def test_without_autozero_the_zero_wanders_until_it_is_taken_again(biased):
    biased.tell(":SOUR:VOLT 0;:SENS:CURR:NPLC 10")

    def offset_a():
        biased.tell(":TRIG:COUN 50")
        return np.mean(np.array(biased.read())[:, 1])

    spread = []
    for _ in range(30):
        biased.clock.sleep(6 * 3600)
        wandered_a = offset_a()
        biased.tell(":SYST:AZER ONCE")
        spread.append(wandered_a - offset_a())
    # two states six hours apart, 4 % of 300 pA each: sqrt(2) x 12 pA; 30 of them know it to 13 %
    assert np.std(spread) == pytest.approx(17e-12, rel=0.4)


def test_compliance_limits_the_current_and_lowers_the_voltage_at_the_crystal(biased):
    biased.tell(":SENS:CURR:PROT 1e-7")
    biased.load.siemens = 1e-3
    (row,) = biased.read()
    assert row[1] == pytest.approx(1e-7, rel=1e-2)
    assert row[0] == 5.0  # programmed, not measured
    assert status(row) & REAL_COMPLIANCE
    assert biased.ask(":SENS:CURR:PROT:TRIP?;:STAT:MEAS:COND?") == "1;16384"
    assert biased.load.bias_v == pytest.approx(1e-4)
    biased.load.siemens = 1e-8
    (row,) = biased.read()
    assert not status(row) & REAL_COMPLIANCE
    assert biased.load.bias_v == pytest.approx(5.0, rel=1e-3)
    assert biased.ask(":SENS:CURR:PROT:TRIP?") == "0"


def test_a_fixed_range_below_the_compliance_limits_by_itself(biased):
    biased.tell(":SENS:CURR:PROT 1e-5")
    biased.load.siemens = 1e-6
    (row,) = biased.read()
    assert row[1] == pytest.approx(1.05e-6)
    assert status(row) == 21508 + RANGE_COMPLIANCE


def test_the_voltage_that_is_measured_in_compliance_is_the_true_one(biased):
    biased.tell(":SENS:FUNC 'VOLT'", ":SENS:CURR:PROT 1e-7")
    biased.load.siemens = 1e-6
    assert biased.read()[0][0] == pytest.approx(0.1, abs=2e-3)


def test_auto_ranging_walks_one_range_at_a_time_and_takes_time(biased):
    biased.tell(":SENS:CURR:PROT 1e-3;RANG:AUTO ON", ":SOUR:DEL 0")
    biased.read()
    settled_s = biased.timed()
    biased.load.siemens = 1e-5
    assert biased.timed() == pytest.approx(settled_s + 2 * (0.03 + 0.0204), abs=1e-3)
    assert biased.ask(":SENS:CURR:RANG?") == "1.050000E-04"
    assert biased.read()[0][1] == pytest.approx(50e-6, rel=1e-2)


def test_the_clock_is_reset_on_demand_runs_a_little_fast_and_wraps(biased):
    biased.tell(":SYST:TIME:RES")
    biased.clock.sleep(10_000)
    assert float(biased.ask(":SYST:TIME?")) == pytest.approx(10_000.6, abs=0.02)
    biased.clock.sleep(90_000)
    assert biased.read()[0][3] < 10


def test_binary_rows_have_no_length_and_either_byte_order(biased):
    biased.tell(":FORM:DATA REAL,32;ELEM CURR,STAT", ":TRIG:COUN 3")
    biased.tell(":READ?")
    big = biased.adapter.read_bytes(-1)
    assert (big[:2], big[-1:], len(big)) == (b"#0", b"\n", 2 + 3 * 2 * 4 + 1)
    values = struct.unpack(">6f", big[2:-1])
    biased.tell(":FORM:BORD SWAP", ":FETC?")
    assert struct.unpack("<6f", biased.adapter.read_bytes(-1)[2:-1]) == values
    assert values[1::2] == (21508.0,) * 3


def test_measure_takes_compliance_and_speed_back_and_turns_the_output_on(biased):
    biased.tell(":OUTP OFF", ":SENS:CURR:NPLC 10")
    biased.ask(":MEAS:CURR?")
    assert biased.ask(":OUTP?;:SENS:CURR:PROT?;NPLC?;RANG:AUTO?") == "1;1.050000E-04;1.000000E+00;1"


@pytest.mark.parametrize("kind", ["REP", "MOV"])
def test_the_filter_averages_and_says_so(biased, kind):
    biased.tell(f":SENS:AVER:TCON {kind};COUN 25;STAT ON", ":SENS:CURR:RANG 1e-5;NPLC 0.1", ":TRIG:COUN 400")
    rows = np.array(biased.read())
    assert set(rows[:, 4]) == {21510.0}
    assert rows[50:, 1].std() < 0.5 * 25e-6 * 1e-5 * 2
