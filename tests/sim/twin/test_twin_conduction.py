import math

import pytest

from instruments.sim.twin import DEVICES
from instruments.sim.twin.conduction import Conduction
from tests.sim.twin.closed_forms import LAWS

PRINTED = ["untreated", "mai", "atomistic"]


@pytest.mark.parametrize(("name", "current_a"), [("untreated", 400e-9), ("mai", 1.2e-6), ("atomistic", 150e-9)])
@pytest.mark.parametrize("kind", ["parallel", "sharp"])
def test_five_volts_at_298_k_drive_the_reference_current(name, current_a, kind):
    assert 5 * Conduction(DEVICES[name], kind).conductance_s(298) == pytest.approx(current_a, rel=1e-12)


@pytest.mark.parametrize(("name", "per_k", "digit"), [("untreated", 0.105, 5e-4), ("mai", 0.093, 5e-4)])
def test_the_dark_current_grows_by_the_known_part_per_kelvin(name, per_k, digit):
    assert abs(Conduction(DEVICES[name], "parallel").temperature_coefficient_per_k(298) - per_k) <= digit


def test_the_atomistic_crystal_grows_by_16_percent_per_kelvin():
    assert abs(Conduction(DEVICES["atomistic"], "parallel").temperature_coefficient_per_k(298) - 0.16) <= 0.005


@pytest.mark.parametrize(("name", "share"), [("untreated", 0.77), ("mai", 0.85), ("atomistic", 0.64)])
def test_the_ions_carry_the_known_share_at_298_k(name, share):
    assert abs(Conduction(DEVICES[name], "parallel").ionic_share(298) - share) <= 0.005


@pytest.mark.parametrize("name", PRINTED)
@pytest.mark.parametrize("temperature_k", [240.0, 274.0, 298.15, 320.0])
def test_parallel_branches_add(name, temperature_k):
    ours = Conduction(DEVICES[name], "parallel")
    assert ours.conductance_s(temperature_k) == pytest.approx(LAWS[name].conductance_s(temperature_k), rel=1e-5)
    assert ours.ionic_share(temperature_k) == pytest.approx(LAWS[name].share(temperature_k), rel=1e-5)


@pytest.mark.parametrize("name", PRINTED)
def test_at_the_crossover_both_parallel_branches_are_equal(name):
    assert Conduction(DEVICES[name], "parallel").ionic_share(DEVICES[name].crossover_k) == pytest.approx(0.5)


@pytest.mark.parametrize("name", PRINTED)
def test_sharp_branches_have_one_activation_energy_on_each_side_of_the_crossover(name):
    device, sharp = DEVICES[name], Conduction(DEVICES[name], "sharp")

    def slope_j(cold_k, warm_k):
        ratio = sharp.conductance_s(warm_k) * warm_k / (sharp.conductance_s(cold_k) * cold_k)
        return math.log(ratio) * 1.380649e-23 / (1 / cold_k - 1 / warm_k)

    above, below = device.crossover_k + 0.01, device.crossover_k - 0.01
    assert slope_j(240, below) == pytest.approx(device.activation_low_j, rel=1e-9)
    assert slope_j(above, 320) == pytest.approx(device.activation_high_j, rel=1e-9)
    assert sharp.ionic_share(above) == 1
    assert sharp.ionic_share(below) == pytest.approx(1, abs=0.01)  # continuous


def test_an_unknown_kind_of_conduction_is_refused():
    with pytest.raises(ValueError, match="'linear' is unknown; allowed are parallel, sharp"):
        Conduction(DEVICES["mai"], "linear")
