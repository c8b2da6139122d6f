import csv
import math

import numpy as np
import pytest

from instruments.sim.twin.beam import BeamTable, reference_folder
from instruments.sim.twin.exposure import Exposure

KEV_J = 1.602176634e-16
TABLE = BeamTable()

# What the table was computed to hold at 50 kV, 30 cm and an output factor of 0.40, rounded.
# total Al mm, K nGy/s/uA, mean energy keV, HVL mm, photons 1/(cm2 uGy), S0 1 mm, S0 0.2 mm, response, absorbed/s
AT_50_KV = [
    (0.5, 376.1, 25.8, 0.642, 6.92e5, 617, 526, 0.960, 33),
    (1, 212.5, 27.9, 0.972, 8.73e5, 840, 701, 0.987, 41),
    (2, 104.5, 30.4, 1.363, 1.09e6, 1144, 926, 1, 51),
    (3, 61.74, 32.3, 1.672, 1.25e6, 1401, 1110, 1.005, 59),
    (5, 27.46, 35.2, 2.286, 1.54e6, 1869, 1441, 1.011, 72),
    (10, 7.210, 39.0, 3.533, 1.99e6, 2675, 2000, 1.017, 93),
    (15, 2.778, 40.8, 4.191, 2.20e6, 3097, 2275, 1.019, 103),
    (20, 1.223, 41.9, 4.588, 2.33e6, 3363, 2433, 1.020, 109),
    (30, 0.2825, 43.4, 5.077, 2.48e6, 3703, 2605, 1.021, 116),
    (35, 0.1427, 43.9, 5.244, 2.53e6, 3821, 2657, 1.021, 119),
]


@pytest.mark.parametrize("row", AT_50_KV, ids=lambda row: f"{row[0]} mm")
def test_the_beam_at_50_kv_has_the_tabulated_quality(row):
    al_mm, kerma, mean_kev, hvl_mm, photons, s0, s0_thin, response, absorbed = row
    quality = TABLE.quality(50.0, al_mm * 1e-3)
    assert 0.40 * quality.kerma_gy_s_a * 1e3 == pytest.approx(kerma, rel=5e-4)  # Gy/s/A to nGy/s/uA
    assert abs(quality.mean_energy_j / KEV_J - mean_kev) <= 0.051
    assert abs(quality.hvl_m * 1e3 - hvl_mm) <= 5.1e-4
    assert abs(quality.photons_per_m2_gy * 1e-10 / photons - 1) < 5e-3
    assert abs(quality.unity_gain_c_gy_m2 * 100 - s0) <= 0.51
    assert abs(quality.unity_gain_thin_c_gy_m2 * 100 - s0_thin) <= 0.51
    assert TABLE.chamber_response(50.0, al_mm * 1e-3) == pytest.approx(response, abs=5e-4)
    assert abs(quality.absorbed_per_m2_gy * math.pi * 1e-3**2 * 1.5e-9 - absorbed) <= 0.51


@pytest.mark.parametrize(
    ("kv", "al_mm", "kerma", "s0"),
    [
        (20.0, 0.5, 79.7, 141), (20.0, 10, 1.39e-4, 337), (30.0, 1, 104, 416), (30.0, 5, 4.60, 753),
        (40.0, 2, 81.1, 863), (40.0, 10, 3.20, 1741), (46.0, 0.5, 367, 564), (46.0, 10, 5.62, 2303),
    ],
)  # fmt: skip
def test_other_voltages_have_the_tabulated_output(kv, al_mm, kerma, s0):
    quality = TABLE.quality(kv, al_mm * 1e-3)
    assert 0.40 * quality.kerma_gy_s_a * 1e3 == pytest.approx(kerma, rel=5e-3)
    assert abs(quality.unity_gain_c_gy_m2 * 100 - s0) <= 0.51


def test_between_the_nodes_the_table_is_followed_to_a_fraction_of_a_percent():
    quality = TABLE.quality(50.0, 3.4e-3)  # not a node; 51.40 nGy/s/uA, 1.793 mm, 1499 in the reference
    assert 0.40 * quality.kerma_gy_s_a * 1e3 == pytest.approx(51.40, rel=2e-3)
    assert quality.hvl_m * 1e3 == pytest.approx(1.793, rel=2e-3)
    assert quality.unity_gain_c_gy_m2 * 100 == pytest.approx(1499, rel=2e-3)


@pytest.mark.parametrize(
    ("dropped", "at"),
    [
        ({"tube_voltage_kV": "40"}, (40.0, 2e-3)),
        ({"tube_voltage_kV": "40"}, (40.0, 20e-3)),
        ({"total_Al_mm": "4"}, (50.0, 4e-3)),
        ({"total_Al_mm": "20"}, (50.0, 20e-3)),
    ],
)
def test_a_node_left_out_is_found_again_by_its_neighbours(dropped, at):
    with (reference_folder() / "beam_grid_30cm.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if any(row[key] != value for key, value in dropped.items())]
    coarse = BeamTable(rows).quality(*at).kerma_gy_s_a
    # Halving the spacing divides the error of a monotone cubic by 4 at least; 0.2 % is wanted of the whole table.
    error = abs(coarse / TABLE.quality(*at).kerma_gy_s_a - 1)
    assert 0 < error < 4 * 2e-3


def test_harder_beams_depend_more_on_the_voltage():
    for al_mm, exponent in [(1, 0.4), (5, 1.4), (10, 2.8), (20, 5.1), (30, 7.2)]:
        high, low = (TABLE.quality(kv, al_mm * 1e-3).kerma_gy_s_a for kv in (50.0, 49.0))
        assert math.log(high / low) / math.log(50 / 49) == pytest.approx(exponent, abs=0.15)


@pytest.mark.parametrize(
    ("kv", "al_m", "message"),
    [
        (50.1, 1e-3, r"tube voltage 50\.1 kV is outside the beam table \(12 kV to 50 kV behind 1 mm Al\)"),
        (11.9, 1e-3, "outside"),
        (20.0, 30e-3, r"24 kV to 50 kV behind 30 mm Al|outside the beam table"),
        (50.0, 0.49e-3, r"total aluminium 0\.49 mm is outside the beam table \(0\.5 mm to 35 mm\)"),
        (50.0, 36e-3, "total aluminium 36 mm"),
        (float("nan"), 1e-3, "nan"),
        (50.0, float("nan"), "nan"),
    ],
)
def test_what_the_table_does_not_hold_is_refused(kv, al_m, message):
    with pytest.raises(ValueError, match=message):
        TABLE.quality(kv, al_m)


def test_a_chamber_has_no_known_response_to_a_beam_softer_than_its_calibration():
    with pytest.raises(ValueError, match=r"half-value layer .* is outside"):
        TABLE.chamber_response(14.0, 0.5e-3)


def exposure(**settings):
    return Exposure(TABLE, **({"seed": 1, "total_al_m": 1e-3, "ripple": 0.0} | settings))


def test_a_warm_tube_gives_the_table_s_output_for_its_current_and_a_small_offset():
    ours = exposure()
    ours.set_tube(0.0, 50.0, 100e-6)
    full = 0.40 * TABLE.quality(50.0, 1e-3).kerma_gy_s_a * 100.05e-6
    assert ours.mean_kerma_gy_s(9000.0, 9010.0) == pytest.approx(full, rel=1e-9)


def test_the_output_falls_with_the_square_of_the_distance():
    near, far = exposure(distance_m=0.15), exposure(distance_m=0.30)
    for each in (near, far):
        each.set_tube(0.0, 50.0, 100e-6)
    assert near.mean_kerma_gy_s(0.0, 1.0) == pytest.approx(4 * far.mean_kerma_gy_s(0.0, 1.0))


def test_a_cold_tube_lacks_3_percent_and_comes_up_in_minutes():
    ours = exposure()
    ours.set_tube(100.0, 50.0, 100e-6)
    full = ours.mean_kerma_gy_s(1e5, 1e5 + 1)

    def deficit(since_s):
        return 1 - ours.mean_kerma_gy_s(100 + since_s, 100 + since_s + 1e-3) / full

    assert deficit(0) == pytest.approx(0.03, rel=1e-5)
    assert deficit(420) == pytest.approx(0.005, abs=5e-4)
    assert deficit(840) == pytest.approx(0.001, abs=1.5e-4)
    mean = ours.mean_kerma_gy_s(100.0, 340.0) / full  # one time constant: 1 - 0.03 (1 - 1/e)
    assert mean == pytest.approx(1 - 0.03 * (1 - math.exp(-1)), rel=1e-9)


def test_a_chopped_beam_keeps_the_tube_warm_and_a_long_pause_does_not():
    ours = exposure()
    for cycle in range(100):
        ours.set_tube(40.0 * cycle, 50.0, 100e-6)
        ours.set_tube(40.0 * cycle + 20, 0.0, 0.0)
    ours.set_tube(4000.0, 50.0, 100e-6)
    chopped = ours.mean_kerma_gy_s(4000.0, 4001.0)
    ours.set_tube(4001.0, 0.0, 0.0)
    ours.set_tube(50_000.0, 50.0, 100e-6)
    full = ours.mean_kerma_gy_s(80_000.0, 80_001.0)
    assert chopped / full > 0.995
    assert ours.mean_kerma_gy_s(50_000.0, 50_001.0) / full == pytest.approx(0.97, abs=2e-4)


def test_the_output_ripples_by_a_thousandth_from_second_to_second():
    ours = exposure(ripple=1e-3)
    ours.set_tube(0.0, 50.0, 100e-6)
    seconds = np.array([each.kerma_gy_s for each in ours.segments(20_000.0, 24_000.0)])
    assert len(seconds) == 4000
    relative = seconds / seconds.mean() - 1
    assert abs(relative.std() / 1e-3 - 1) < 4 / math.sqrt(2 * 4000)
    assert abs(np.mean(relative[1:] * relative[:-1]) / 1e-6) < 4 / math.sqrt(4000)


def test_all_who_look_see_the_same_ripple_in_any_order():
    first, second = exposure(ripple=1e-3), exposure(ripple=1e-3)
    for each in (first, second):
        each.set_tube(7.25, 50.0, 100e-6)
    late, early = first.mean_kerma_gy_s(3000.0, 3001.0), first.mean_kerma_gy_s(10.0, 20.0)
    assert (second.mean_kerma_gy_s(10.0, 20.0), second.mean_kerma_gy_s(3000.0, 3001.0)) == (early, late)
    parts = [first.mean_kerma_gy_s(10.0 + 0.7 * k, 10.7 + 0.7 * k) for k in range(10)]
    assert np.mean(parts) == pytest.approx(first.mean_kerma_gy_s(10.0, 17.0), rel=1e-9)


def test_below_the_table_s_voltages_the_ramp_gives_no_dose_and_above_it_is_refused():
    ours = exposure()
    ours.set_tube(0.0, 8.0, 100e-6)
    assert ours.mean_kerma_gy_s(0.0, 1.0) == 0
    with pytest.raises(ValueError, match=r"tube output 50\.5 kV"):
        ours.set_tube(1.0, 50.5, 100e-6)
    # what is left out is less than a percent of the output at 50 kV behind the thinnest filter
    assert TABLE.quality(12.0, 0.5e-3).kerma_gy_s_a < 0.01 * TABLE.quality(50.0, 0.5e-3).kerma_gy_s_a


def test_what_was_forgotten_is_not_made_up():
    ours = exposure()
    for second in range(10):
        ours.set_tube(float(second), 50.0, 1e-6 * second)
        ours.set_filter(float(second), 1e-3 + 1e-4 * second)
    expected = ours.mean_kerma_gy_s(6.0, 9.0)
    ours.forget(6.0)
    assert ours.mean_kerma_gy_s(6.0, 9.0) == expected
    with pytest.raises(ValueError, match="forgotten"):
        ours.mean_kerma_gy_s(5.0, 9.0)
