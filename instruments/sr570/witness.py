"""A known step of current that shows whether the gain of an SR570 is the one set. Not verified on hardware."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from instruments.sr570.settings import Sr570Settings
from xraydaq.errors import InstrumentError, LimitError, XraydaqError

LARGEST_OUTPUT_V = 4.9
"""The output ends at 5 V; the lamp that says so cannot be read."""


@dataclass(frozen=True, slots=True)
class GainWitness:
    """What a step of the bias should have changed at the output, and what it did change."""

    sensitivity_a_v: float
    resistance_ohm: float
    step_v: float
    expected_v: float
    """Magnitude; which sign the output has is not known beforehand."""

    measured_v: float
    tolerance: float

    @property
    def ratio(self) -> float:
        """Get measured by expected; a wrong sensitivity shows as a power of ten or a factor 2, a dead line as 0."""
        return self.measured_v / self.expected_v

    @property
    def agrees(self) -> bool:
        """Get whether the gain is the one that was set."""
        return abs(abs(self.ratio) - 1) <= self.tolerance


class Biased(Protocol):
    """The part of the preamplifier that is used here."""

    name: str

    def set_bias(self, bias_v: float | None) -> None:
        """Set the bias and wait until it has settled."""

    def shutdown(self) -> None:
        """Switch the bias off as far as possible; never raises."""


def take_witness(
    preamplifier: Biased,
    settings: Sr570Settings,
    measure_v: Callable[[], float],
    resistance_ohm: float,
    step_v: float,
    tolerance: float,
) -> GainWitness:
    """Step the bias, measure the output before and after, and set the bias back.

    After a failure or an interruption too; where the bias cannot be set back it is switched off.

    Raises:
        LimitError: a value that is not positive, or a step that would saturate the output.
        InstrumentError: the output is saturated, or the line failed.
    """
    name = preamplifier.name
    if not (0 < resistance_ohm < math.inf and 0 < abs(step_v) < math.inf and 0 < tolerance < 1):
        raise LimitError(
            f"{name}: a witness of {step_v} V over {resistance_ohm} ohm within {tolerance}; allowed: positive values"
        )
    expected_v = abs(step_v) / resistance_ohm / settings.sensitivity_a_v
    if not expected_v <= LARGEST_OUTPUT_V:
        raise LimitError(f"{name}: a step of {expected_v:g} V at the output; allowed: up to {LARGEST_OUTPUT_V} V")
    start_v = 0.0 if settings.bias_v is None else settings.bias_v
    try:
        preamplifier.set_bias(start_v)
        before_v = _unsaturated(name, measure_v())
        preamplifier.set_bias(start_v + step_v)
        after_v = _unsaturated(name, measure_v())
    except BaseException:
        _set_back(preamplifier, settings.bias_v)
        raise
    preamplifier.set_bias(settings.bias_v)
    return GainWitness(settings.sensitivity_a_v, resistance_ohm, step_v, expected_v, after_v - before_v, tolerance)


def _set_back(preamplifier: Biased, bias_v: float | None) -> None:
    try:
        preamplifier.set_bias(bias_v)
    except BaseException as error:
        preamplifier.shutdown()
        if not isinstance(error, XraydaqError):  # else the first failure is the one to tell
            raise


def _unsaturated(name: str, voltage_v: float) -> float:
    if not abs(voltage_v) <= LARGEST_OUTPUT_V:
        raise InstrumentError(f"{name}: the output is at {voltage_v} V, where it saturates; no witness of the gain")
    return voltage_v
