"""Cell constants of coplanar electrodes on a crystal: sigma = (I/V)/C_g, C_g in metre.

Interdigitated: R. Igreja, C. J. Dias, "Analytical evaluation of the interdigital electrodes capacitance for a
multi-layered structure", Sens. Actuators A 112 (2004) 291: equation (6) for a half space, (13) to (15) for a layer.
A pair of strips: the half space by the map of a plane with two slits (the same functions K(k')/K(k)); a crystal of
finite thickness by the map tanh(pi z/2t) of a layer onto it. Current does not leave the crystal at its back, so the
layer's own capacitance without the air is what conducts. K is written with its modulus k; scipy takes k^2.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import ellipj, ellipk, ellipkm1

from xraydaq.analysis.outcome import Budget
from xraydaq.analysis.values import Value

ENDS = "ends of the electrodes, not in the map"
STEP = 1e-4  # relative, of the numerical derivatives for the uncertainty
THETA_TERMS = 200  # the series converges as exp(-2 pi t/(w + g) n^2): enough down to t = (w + g)/1000
THINNEST = 0.1  # thickness over the gap, or the half period of fingers, below which the moduli run out of digits


@dataclass(frozen=True)
class CellConstant:
    """C_g with its uncertainty, what it is made of (in metre, by source), and how it was found, in words."""

    value: Value
    budget: Budget
    description: str


@dataclass(frozen=True)
class Size:
    """A length in metre with its standard uncertainty."""

    value_m: float
    u_m: float = 0.0


def interdigitated(*, width: Size, gap: Size, length: Size, gaps: int, thickness: Size | None = None) -> CellConstant:
    """Fingers of `width`, `gap` apart, overlapping over `length`, on a crystal of `thickness` (None: a half space).

    All gaps count as interior ones. Raises ValueError for sizes that are not above zero.
    """
    _at_least_one(gaps)

    def constant_m(size: Mapping[str, float]) -> float:
        modulus = _finger_modulus(size["finger width"], size["gap"], size.get("crystal thickness"))
        return gaps * size["finger length"] / 2 * _quarter_ratio(modulus)

    sizes = {"finger width": width, "gap": gap, "finger length": length}
    _thick_enough((width.value_m + gap.value_m) / 2, thickness)
    ends = _ends_u_rel(width, gap, length)
    words = f"{gaps} interior gaps of interdigitated fingers, conformal map (Igreja and Dias 2004)"
    return _cell(constant_m, sizes, thickness, words, ends)


def single_gap(*, width: Size, gap: Size, length: Size, thickness: Size | None = None) -> CellConstant:
    """Two parallel strips of `width`, `gap` apart, `length` long, on a crystal of `thickness` (None: a half space).

    Raises ValueError for sizes that are not above zero.
    """

    def constant_m(size: Mapping[str, float]) -> float:
        inner_m, outer_m = size["gap"] / 2, size["gap"] / 2 + size["finger width"]
        thickness_m = size.get("crystal thickness")
        if thickness_m is None:
            return size["finger length"] * _quarter_ratio(inner_m / outer_m) / 2
        inner, outer = (np.tanh(np.pi * edge_m / (2 * thickness_m)) for edge_m in (inner_m, outer_m))
        return size["finger length"] * _quarter_ratio(float(inner / outer)) / 2

    _thick_enough(gap.value_m, thickness)
    sizes = {"finger width": width, "gap": gap, "finger length": length}
    ends = _ends_u_rel(width, gap, length)
    return _cell(constant_m, sizes, thickness, "one gap between two strips, conformal map", ends)


def film(*, gap: Size, length: Size, thickness: Size, gaps: int = 1) -> CellConstant:
    """Film much thinner than the gap: C_g = gaps x thickness x length/gap. Raises ValueError for impossible sizes."""
    _at_least_one(gaps)

    def constant_m(size: Mapping[str, float]) -> float:
        return gaps * size["crystal thickness"] * size["finger length"] / size["gap"]

    return _cell(constant_m, {"gap": gap, "finger length": length}, thickness, f"film in {gaps} gap(s)", 0.0)


def _finger_modulus(width_m: float, gap_m: float, thickness_m: float | None) -> float:
    """Modulus k of K(k')/K(k) that makes C_g = l/2 K(k_I)/K(k_I'), so k = k_I'."""
    share = width_m / (width_m + gap_m)
    if thickness_m is None:
        return float(np.cos(np.pi * share / 2))
    nome = np.exp(-2 * np.pi * thickness_m / (width_m + gap_m))
    if nome < 1e-12:
        return _finger_modulus(width_m, gap_m, None)
    order = np.arange(THETA_TERMS)
    theta2 = 2 * np.sum(nome ** ((order + 0.5) ** 2))
    theta3 = 1 + 2 * np.sum(nome ** (order[1:] ** 2))
    k = float((theta2 / theta3) ** 2)
    sn, cn, _, _ = ellipj(float(ellipk(k * k)) * share, k * k)
    inner = float(sn) * np.sqrt((1 - k * k) / (1 - (k * float(sn)) ** 2))  # k_I: 1/k is Igreja and Dias' t4
    return float(np.sqrt(1 - inner * inner)) if inner < 0.9 else float(cn) / float(np.sqrt(1 - (k * float(sn)) ** 2))


def _quarter_ratio(modulus: float) -> float:
    """Return K(k')/K(k)."""
    return float(ellipkm1(modulus**2) / ellipk(modulus**2))


def _cell(
    constant_m: Callable[[Mapping[str, float]], float],
    sizes: dict[str, Size],
    thickness: Size | None,
    words: str,
    ends_u_rel: float,
) -> CellConstant:
    """Value and uncertainty: JCGM 100:2008, equation (10), with numerical derivatives."""
    sizes = sizes if thickness is None else sizes | {"crystal thickness": thickness}
    for name, size in sizes.items():
        if not (size.value_m > 0 and size.u_m >= 0 and np.isfinite(size.value_m) and np.isfinite(size.u_m)):
            raise ValueError(f"{name} must be finite and above zero, not {size.value_m} m with u = {size.u_m} m")
    nominal = {name: size.value_m for name, size in sizes.items()}
    shares = {}
    for name, size in sizes.items():
        up, down = (constant_m(nominal | {name: size.value_m * (1 + sign * STEP)}) for sign in (1, -1))
        shares[name] = abs(up - down) / (2 * STEP * size.value_m) * size.u_m
    shares[ENDS] = ends_u_rel * constant_m(nominal)
    budget = Budget("m", shares)
    deep = (
        "crystal much thicker than the gap" if thickness is None else f"crystal {thickness.value_m * 1e6:.4g} µm thick"
    )
    return CellConstant(Value(constant_m(nominal), budget.combined, "m"), budget, f"{words}; {deep}")


def _at_least_one(gaps: int) -> None:
    if not gaps >= 1:
        raise ValueError(f"there must be at least one gap, not {gaps}")


def _thick_enough(across_m: float, thickness: Size | None) -> None:
    if thickness is not None and not thickness.value_m >= THINNEST * across_m:
        raise ValueError(f"a crystal of {thickness.value_m} m is too thin for these electrodes: use film()")


def _ends_u_rel(width: Size, gap: Size, length: Size) -> float:
    """The maps are plane: at each end current spreads over up to half a period more, JCGM 100:2008, 4.3.7."""
    return float((width.value_m + gap.value_m) / (2 * length.value_m) / np.sqrt(3))
