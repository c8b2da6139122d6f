import math

import numpy as np
import pytest

from instruments.sim.filters import SimFilterHolder


def test_an_empty_holder_has_nothing_in_the_beam():
    holder = SimFilterHolder(seed=1)
    assert (holder.mounted_m, holder.true_m, holder.changes) == (0.0, 0.0, 0)


def test_a_filter_is_as_thick_as_its_label_within_the_tolerance_and_never_exactly():
    deviations = []
    for seed in range(40):
        holder = SimFilterHolder(seed=seed)
        holder.mounted_m = 2e-3
        assert holder.mounted_m == 2e-3
        deviations.append(holder.true_m / 2e-3 - 1)
    assert max(map(abs, deviations)) <= 0.01
    assert np.std(deviations) > 0.003  # uniform within 1 % has 0.0058


def test_the_same_label_is_the_same_piece_whatever_hung_there_meanwhile():
    holder = SimFilterHolder(seed=1)
    holder.mounted_m = 1e-3
    first_m = holder.true_m
    holder.mounted_m = 3e-3
    holder.mounted_m = 1e-3
    assert holder.true_m == first_m
    assert holder.changes == 3
    pieces = {"0.001": first_m, "0.003": holder.true_thickness_m(3e-3)}
    assert holder.truth() == {"mounted_m": 1e-3, "true_m": first_m, "true_thickness_m_of": pieces}


@pytest.mark.parametrize("thickness_m", [-1e-6, math.nan, math.inf, 2.0])
def test_a_thickness_that_cannot_be_mounted_is_refused_and_changes_nothing(thickness_m):
    holder = SimFilterHolder(seed=1)
    holder.mounted_m = 1e-3
    with pytest.raises(ValueError, match="the holder takes"):
        holder.mounted_m = thickness_m
    assert (holder.mounted_m, holder.changes) == (1e-3, 1)
