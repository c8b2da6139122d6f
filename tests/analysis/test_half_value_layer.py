"""Half-value layers of made-up beams, from few and many filters."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.analysis.calibration_synthetic import half_value_layer_m, kerma_gy_s_a, spectral_kerma
from xraydaq.analysis.half_value_layer import half_value_layers
from xraydaq.analysis.values import NotEnoughData

MANY = (1, 2, 3, 5, 10, 15, 20, 30)
FEW = ((1, 2, 10), (1, 2, 5), (1, 3, 10, 30), (1, 2, 3), (0.5, 1, 2, 5, 10))


def layers_of(picked_mm, kerma, relative_u=1e-3, **options):
    al_m = np.array(picked_mm) * 1e-3
    return al_m, half_value_layers(al_m, kerma(al_m), np.full(len(al_m), relative_u), **options)


@pytest.mark.parametrize("picked_mm", [MANY, *FEW])
def test_layers_lie_within_their_uncertainty_and_the_last_ones_say_extrapolated(picked_mm):
    al_m, layers = layers_of(picked_mm, spectral_kerma)
    for start_m, layer in zip(al_m, layers, strict=True):
        assert abs(layer.value.value - half_value_layer_m(start_m, spectral_kerma)) < 2.5 * layer.value.u
        reachable = spectral_kerma(al_m[-1]) <= spectral_kerma(start_m) / 2
        assert layer.extrapolated is not bool(reachable)


def test_many_filters_give_layers_to_three_per_cent_and_few_say_that_they_do_not():
    _, many = layers_of(MANY, spectral_kerma)
    assert all(layer.value.u < 0.04 * layer.value.value for layer in many if not layer.extrapolated)
    _, few = layers_of((1, 3, 10, 30), spectral_kerma)
    assert few[1].value.u > many[2].value.u


@settings(deadline=None, max_examples=25)
@given(layer_mm=st.floats(0.5, 6.0))
def test_a_beam_of_one_energy_has_one_layer(layer_mm):
    _, layers = layers_of(MANY, lambda al_m: np.exp2(-al_m / (layer_mm * 1e-3)))
    for layer in layers:
        assert layer.value.value == pytest.approx(layer_mm * 1e-3, abs=2.5 * layer.value.u)


@settings(deadline=None, max_examples=25)
@given(factor=st.floats(1e-6, 1e6))
def test_the_unit_of_the_kerma_does_not_matter(factor):
    _, one = layers_of(MANY, kerma_gy_s_a)
    _, other = layers_of(MANY, lambda al_m: factor * kerma_gy_s_a(al_m))
    assert [each.value.value for each in other] == pytest.approx([each.value.value for each in one], rel=1e-9, abs=0)


def test_labels_that_are_off_by_a_per_cent_scatter_the_layers_as_stated():
    rng = np.random.default_rng(3)
    al_m = np.array(MANY) * 1e-3
    truth = np.array([half_value_layer_m(each, spectral_kerma) for each in al_m])
    pulls = []
    for _ in range(60):
        true_m = al_m * (1 + rng.uniform(-0.01, 0.01, len(al_m)))
        layers = half_value_layers(al_m, spectral_kerma(true_m), np.full(len(al_m), 1e-4))
        pulls.append([(layer.value.value - true) / layer.value.u for layer, true in zip(layers, truth, strict=True)])
    spread = np.std(pulls, axis=0)[:-1]  # the last layer is extrapolated
    assert np.all(spread < 1 + 3 / np.sqrt(2 * 60))
    assert np.mean(spread) > 0.5


def test_kerma_that_does_not_fall_and_too_few_filters_are_refused():
    with pytest.raises(NotEnoughData, match="does not fall"):
        half_value_layers(np.array([1e-3, 2e-3, 3e-3]), np.array([3.0, 1.0, 2.0]), np.full(3, 1e-3))
    with pytest.raises(NotEnoughData, match="need 3"):
        half_value_layers(np.array([1e-3, 2e-3]), np.array([3.0, 1.0]), np.full(2, 1e-3))
