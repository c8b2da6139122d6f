"""What a temperature sweep says in words: points of each regime, intervals, and both directions."""

import numpy as np

from xraydaq.analysis.values import Value
from xraydaq.reproduce.measured import NO_RESULT, Measured, called

UP = 1.0
QUANTITIES = (
    ("energy above", "activation_energy_above_transition", "high", "energy_above", "eV"),
    ("energy below", "activation_energy_below_transition", "low", "energy_below", "eV"),
    ("transition", "transition_temperature", "change", "transition", "K"),
)
"""Name; name of the result, of its interval, of its value from one direction; unit."""


def of_the_regimes(measured: Measured, treatment: str) -> str:
    """Say model, points per regime, energies and transition with their intervals, and what each direction gives."""
    key = f"conductivity {treatment}"
    said = [
        f"{name} {measured.said(key, result, unit)} ({interval(measured, treatment, short)}; heating "
        f"{measured.said(key, f'up_{way}', unit)}, cooling {measured.said(key, f'down_{way}', unit)})"
        for name, result, short, way, unit in QUANTITIES
    ]
    model = measured.text(key, "model") or NO_RESULT
    return f"{called(treatment)}: model {model}, {_points(measured, key)}; {', '.join(said)}."


def interval(measured: Measured, treatment: str, short: str) -> str:
    """Say the 95 % interval of "high" or "low" energy or of the "change" of regime."""
    ends = [measured.value(f"conductivity {treatment}", f"{short}_95_percent_{end}") for end in ("low", "high")]
    low, high = ends
    if low is None or high is None:
        return f"95 %: {NO_RESULT}"
    unit = "K" if short == "change" else "eV"
    decimals = 2 if short == "change" else 3
    return f"95 %: {low.to(unit).value:.{decimals}f} to {high.to(unit).value:.{decimals}f} {unit}"


def _points(measured: Measured, key: str) -> str:
    change: Value | None = measured.value(key, "transition_temperature")
    kelvin, way = measured.curve(key, "temperature"), measured.curve(key, "direction")
    if change is None or kelvin is None or way is None:
        return f"points per regime: {NO_RESULT}"
    above, heating = kelvin > change.value, way == UP
    return (
        f"points above {np.sum(above & heating)} heating and {np.sum(above & ~heating)} cooling, below "
        f"{np.sum(~above & heating)} and {np.sum(~above & ~heating)}"
    )
