import math
import time

import numpy as np
import pytest

from tests.sim.agilent35670a.conftest import Host

# Relative spread of the mean of a Hann power spectrum over many lines: neighbours correlate, so that M lines count as
# M / (1 + 2 (4/9 + 1/36)); without averaging over time each line has spread 1.
HANN_LINES = 1 + 2 * (4 / 9 + 1 / 36)


@pytest.mark.parametrize("span_hz", [12.5, 1600, 12800, 102400])
def test_white_noise_gives_its_density_at_every_span(span_hz):
    density, averages = 1e-5, 40
    host = Host(density_v_per_rthz=density)
    host.set_up(f"FREQ:SPAN {span_hz}", f"AVER:COUN {averages}", "AVER ON")
    found = host.measure()
    assert len(found) == 401
    lines = found[3:]
    spread = math.sqrt(HANN_LINES / (averages * len(lines)))
    assert np.mean(lines**2) == pytest.approx(density**2, rel=5 * spread)
    top, bottom = np.mean(lines[-100:] ** 2), np.mean(lines[:100] ** 2)
    assert top / bottom == pytest.approx(1, abs=5 * math.sqrt(2 * HANN_LINES / (averages * 100)))
    assert host.device.refused == []


@pytest.mark.parametrize("window", ["HANN", "FLAT", "UNIF"])
def test_a_density_does_not_depend_on_the_window(window):
    host = Host(density_v_per_rthz=1e-5)
    host.set_up(f"WIND {window}", "AVER:COUN 40", "AVER ON")
    lines = host.measure()[6:]
    # FLAT lets 3.77 lines count as one; no window correlates lines more.
    assert np.mean(lines**2) == pytest.approx(1e-10, rel=5 * math.sqrt(3.77 / (40 * len(lines))))


def test_each_line_scatters_as_the_number_of_averages_says():
    host = Host(density_v_per_rthz=1e-5)
    host.set_up("AVER:COUN 64", "AVER ON")
    power = host.measure()[3:] ** 2
    scatter = power.std() / power.mean()
    # 1/sqrt(64); the standard deviation itself is uncertain by 1/sqrt(2 x independent lines).
    assert scatter == pytest.approx(1 / 8, rel=5 / math.sqrt(2 * len(power) / HANN_LINES))


def test_overlapped_records_take_less_time_and_count_less():
    host = Host(density_v_per_rthz=1e-5)
    host.set_up("AVER:COUN 64", "AVER ON", "SWE:OVER 75")
    start_s = host.clock.now()
    power = host.measure()[3:] ** 2
    record_s = 0.25
    assert host.clock.now() - start_s == pytest.approx((1 + 1 + 63 / 4) * record_s, abs=0.3)
    assert power.std() / power.mean() == pytest.approx(1 / math.sqrt(0.52 * 64), rel=5 / math.sqrt(400 / HANN_LINES))


@pytest.mark.parametrize("frequency_hz", [100.0, 101.0, 402.0, 1598.0])
def test_a_sine_gives_its_amplitude_with_the_flat_top_wherever_it_lies(frequency_hz):
    host = Host(sine_v=0.1, sine_hz=frequency_hz)
    host.set_up("WIND FLAT", 'CALC1:UNIT:VOLT "V"')
    found = host.measure().max()
    # 0.01 dB of the window, 0.04 dB of the windows that the source is asked for.
    assert 20 * math.log10(found / (0.1 / math.sqrt(2))) == pytest.approx(0, abs=0.05)


def test_a_tone_above_the_span_does_not_come_back_as_an_alias():
    host = Host(sine_v=0.1, sine_hz=4096 - 800.0)  # would fold to 800 Hz
    host.set_up("WIND FLAT", 'CALC1:UNIT:VOLT "V"')
    assert host.measure()[20:].max() < 0.1 * 10 ** (-75 / 20)


def test_units_and_forms_agree_with_each_other():
    host = Host(sine_v=0.1, sine_hz=400.0)
    host.set_up()
    density = host.measure()

    def shown(*lines):
        host.tell(*lines)
        host.ask("*OPC?")
        return host.numbers("CALC1:DATA?")

    np.testing.assert_allclose(shown('CALC1:UNIT:VOLT "V2/HZ"'), density**2)
    np.testing.assert_allclose(shown("CALC1:FORM MLOG"), 20 * np.log10(density))
    np.testing.assert_allclose(shown('CALC1:UNIT:VOLT "V/RTHZ"'), 20 * np.log10(density))
    np.testing.assert_allclose(shown("CALC1:FORM MLIN", "CALC1:UNIT:AMPL PEAK"), density * math.sqrt(2))
    np.testing.assert_allclose(
        shown("CALC1:UNIT:AMPL RMS", 'CALC1:UNIT:VOLT "V"'), density * math.sqrt(1.5 * 4), rtol=1e-6
    )  # Hann: 1.5 lines of 4 Hz
    np.testing.assert_allclose(shown('CALC1:UNIT:VOLT "V2S/HZ"'), density**2 * 0.25)


def test_a_constant_is_a_line_at_zero_and_its_leakage():
    host = Host(constant_v=0.1)
    host.set_up('CALC1:UNIT:VOLT "V"')
    found = host.measure()
    # The step of the range and its noise are far below a per cent of it.
    assert found[:3] == pytest.approx([0.1, 0.1 / math.sqrt(2), 0], rel=0.01, abs=1e-4)


def test_the_coupling_capacitor_takes_the_constant_and_half_the_power_at_one_hertz():
    host = Host(constant_v=0.1, sine_v=0.02, sine_hz=1.0)
    host.set_up("FREQ:SPAN 12.5", "WIND FLAT", 'CALC1:UNIT:VOLT "V"', "INP1:COUP AC")
    found = host.measure()
    assert found[0] < 1e-3
    assert found[32] == pytest.approx(0.02 / 2, rel=0.01)  # line 32 is 1 Hz; 0.02/sqrt 2 rms, 1/sqrt 2 of it left


def test_the_floor_is_that_of_the_amplifier_and_above_some_range_that_of_the_converter():
    for range_db, expected in ((-51, 30e-9), (9, 30e-9 * 10 ** (40 / 20))):
        host = Host()
        host.set_up(f"VOLT:RANG {range_db}", "AVER:COUN 40", "AVER ON")
        power = np.mean(host.measure()[100:] ** 2)
        assert power == pytest.approx(expected**2, rel=5 * math.sqrt(HANN_LINES / (40 * 300)) + 0.03)  # 10 Hz/f, 20 dB


def test_below_its_corner_the_floor_rises():
    host = Host()
    host.set_up("VOLT:RANG -51", "FREQ:SPAN 12.5", "AVER:COUN 40", "AVER ON")
    power = host.measure()[28:37] ** 2  # 1 Hz +- 0.14 Hz
    assert np.mean(power) == pytest.approx(9e-16 * 11, rel=5 * math.sqrt(HANN_LINES / (40 * 9)))


def test_a_grounded_input_hears_more_of_the_mains():
    heard = {}
    for low in ("FLO", "GRO"):
        host = Host()
        host.set_up(f"INP1:LOW {low}", "WIND FLAT", 'CALC1:UNIT:VOLT "V"', "VOLT:RANG -51", "FREQ:SPAN 100")
        heard[low] = host.measure()[200]
    assert 20 <= 20 * math.log10(heard["GRO"] / heard["FLO"]) <= 40


def test_ascii_and_both_binary_formats_carry_the_same_numbers(host):
    host = Host(density_v_per_rthz=1e-5)
    host.set_up()
    exact = host.measure()
    host.tell("FORM ASC,5")
    text = host.ask("CALC1:DATA?")
    assert all(len(each) == len("+4.3210E-006") for each in text.split(","))
    np.testing.assert_allclose([float(each) for each in text.split(",")], exact, rtol=5e-5)
    host.tell("FORM REAL,32", "CALC1:DATA?")
    data = host.adapter.read_bytes(-1)
    assert data.startswith(b"#41604")
    np.testing.assert_allclose(np.frombuffer(data[6:-1], ">f4"), exact, rtol=1e-7)


def test_there_are_more_x_values_than_y_values(host):
    host = Host(density_v_per_rthz=1e-5)
    host.set_up("FREQ:RES 800")
    y, x = host.measure(), host.numbers("CALC1:X:DATA?")
    assert (len(y), len(x)) == (801, 1025)
    np.testing.assert_allclose(np.diff(x), 2.0)
    assert host.ask("CALC1:DATA:HEAD:POIN?") == "+801"


def test_a_zoomed_span_shows_the_tone_where_it_is():
    host = Host(sine_v=0.1, sine_hz=3000.0)
    host.set_up("WIND FLAT", 'CALC1:UNIT:VOLT "V"', "FREQ:STAR 2400")
    found, x = host.measure(), host.numbers("CALC1:X:DATA?")
    assert x[int(found.argmax())] == 3000
    assert found.max() == pytest.approx(0.1 / math.sqrt(2), rel=0.01)


def test_the_time_record_can_be_read_as_well():
    host = Host(sine_v=0.1, sine_hz=4.0)
    host.set_up("CALC1:FEED 'XTIM:VOLT 1'")
    found = host.measure()
    assert len(found) == 1024
    assert np.sqrt(np.mean(found**2)) == pytest.approx(0.1 / math.sqrt(2), rel=1e-3)


def test_the_converter_has_sixteen_bits_over_the_range_and_clips_at_its_end():
    host = Host(sine_v=0.6, sine_hz=12800.0)
    host.set_up("FREQ:SPAN 102400", "CALC1:FEED 'XTIM:VOLT 1'")  # -11 dBVrms, 262 144 samples a second
    found = host.measure()
    full_scale_v = math.sqrt(2) * 10 ** (-11 / 20)
    steps = found / (2 * full_scale_v / 2**16)
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-6)
    assert np.gcd.reduce(np.round(steps).astype(int)) == 1
    # What is clipped before the filter overshoots behind it, by less than a tenth of a full scale.
    assert full_scale_v * 0.99 < np.abs(found).max() < full_scale_v * 1.1


def test_sixty_four_averages_of_two_thousand_samples_are_computed_in_well_under_a_second():
    host = Host(density_v_per_rthz=1e-5)
    host.set_up("FREQ:RES 800", "AVER:COUN 64", "AVER ON")
    host.measure()
    start_s = time.process_time()
    host.measure()
    assert time.process_time() - start_s < 1.0
