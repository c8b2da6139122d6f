import numpy as np
import pytest
from scipy.sparse import lil_matrix
from scipy.sparse.linalg import spsolve

from xraydaq.analysis.cell_constant import Size, film, interdigitated, single_gap

UM = 1e-6


def fingers(width_um, gap_um, thickness_um=None, **others):
    thickness = None if thickness_um is None else Size(thickness_um * UM)
    return interdigitated(
        width=Size(width_um * UM), gap=Size(gap_um * UM), length=Size(1.0), gaps=1, thickness=thickness, **others
    ).value.value


def strips(width_um, gap_um, thickness_um=None):
    thickness = None if thickness_um is None else Size(thickness_um * UM)
    return single_gap(
        width=Size(width_um * UM), gap=Size(gap_um * UM), length=Size(1.0), thickness=thickness
    ).value.value


def solved_on_a_grid(width_um, gap_um, thickness_um, *, step_um=1.0, beyond_um=0.0):
    """Conductance per length and conductivity by finite differences: half of the symmetric plane, insulating outside.

    The middle of the gap is at 0 V, the electrode at 1 V: the whole has twice the resistance of this half.
    `beyond_um` is crystal beyond the electrode, 0 where the middle of a finger is a plane of symmetry too.
    """
    across = round((gap_um / 2 + width_um + beyond_um) / step_um)
    down = round(thickness_um / step_um)
    first, last = round(gap_um / 2 / step_um), round((gap_um / 2 + width_um) / step_um)
    number = np.arange(across * down).reshape(down, across)
    matrix, right = lil_matrix((across * down, across * down)), np.zeros(across * down)

    def join(one, other):
        for a, b in ((one, other), (other, one)):
            matrix[a, a] += 1.0
            matrix[a, b] -= 1.0

    for row in range(down):
        for column in range(across):
            if column + 1 < across:
                join(number[row, column], number[row, column + 1])
            if row + 1 < down:
                join(number[row, column], number[row + 1, column])
        matrix[number[row, 0], number[row, 0]] += 2.0  # half a cell from the plane at 0 V
    for column in range(first, last):
        matrix[number[0, column], number[0, column]] += 2.0
        right[number[0, column]] += 2.0
    potential = spsolve(matrix.tocsr(), right)
    return float(2 * potential[number[:, 0]].sum()) / 2


def test_equal_fingers_and_gaps_on_a_thick_crystal_have_half_their_length_per_gap():
    assert fingers(50, 50) == pytest.approx(0.5, rel=1e-6, abs=0)
    assert fingers(45, 55) == pytest.approx(0.465, abs=5e-4)
    assert fingers(55, 45) == pytest.approx(0.537, abs=5e-4)


@pytest.mark.parametrize(("width_um", "expected"), [(50, 0.78), (200, 1.14), (500, 1.41), (1000, 1.62)])
def test_wider_strips_beside_one_gap_conduct_a_little_more(width_um, expected):
    assert strips(width_um, 50) == pytest.approx(expected, abs=5e-3)


@pytest.mark.parametrize("thickness_um", [15, 30, 60])
def test_fingers_on_a_thin_crystal_agree_with_a_solution_on_a_grid(thickness_um):
    grid = solved_on_a_grid(25, 50, thickness_um)  # half a finger up to its middle
    assert fingers(50, 50, thickness_um) == pytest.approx(
        grid, rel=0.03, abs=0
    )  # cells of 1 um beside a singular edge


@pytest.mark.parametrize("thickness_um", [15, 40])
def test_one_gap_on_a_thin_crystal_agrees_with_a_solution_on_a_grid(thickness_um):
    grid = solved_on_a_grid(60, 50, thickness_um, beyond_um=30)
    assert strips(60, 50, thickness_um) == pytest.approx(grid, rel=0.03, abs=0)


def test_a_thick_crystal_is_a_half_space_and_a_thin_one_a_film():
    assert fingers(50, 50, 1000) == pytest.approx(fingers(50, 50), rel=1e-6, abs=0)
    assert strips(50, 50, 50_000) == pytest.approx(strips(50, 50), rel=1e-3, abs=0)
    thin = film(gap=Size(50 * UM), length=Size(1.0), thickness=Size(5 * UM)).value.value
    for electrodes in (fingers(50, 50, 5), strips(500, 50, 5)):
        assert thin * 0.9 < electrodes < thin  # current spreads under the electrodes, which adds 0.44 t on each side


def test_scaling_every_length_scales_the_constant():
    once, twice = fingers(40, 60, 50), fingers(80, 120, 100)
    assert twice == pytest.approx(once, rel=1e-6, abs=0)  # length was 1 m in both
    long = interdigitated(width=Size(50 * UM), gap=Size(50 * UM), length=Size(3e-3), gaps=29).value
    assert long.value == pytest.approx(29 * 3e-3 / 2, rel=1e-6, abs=0)
    assert long.unit == "m"


def test_the_uncertainty_is_what_a_change_of_each_length_makes_of_it():
    gap, width = Size(50 * UM, 3 * UM), Size(50 * UM, 1 * UM)
    cell = interdigitated(width=width, gap=gap, length=Size(3e-3), gaps=29)
    other = interdigitated(width=width, gap=Size(53 * UM), length=Size(3e-3), gaps=29)
    assert cell.budget.shares["gap"] == pytest.approx(abs(other.value.value - cell.value.value), rel=0.05, abs=0)
    assert cell.budget.largest == "gap"
    assert cell.value.u == pytest.approx(cell.budget.combined, rel=1e-6, abs=0)


def test_impossible_electrodes_are_refused():
    for wrong in (0.0, -1e-6, float("nan")):
        with pytest.raises(ValueError, match="gap"):
            single_gap(width=Size(5e-4), gap=Size(wrong), length=Size(3e-3))
    with pytest.raises(ValueError, match="film"):
        fingers(50, 50, 1)
    with pytest.raises(ValueError, match="at least one gap"):
        interdigitated(width=Size(5e-5), gap=Size(5e-5), length=Size(3e-3), gaps=0)
