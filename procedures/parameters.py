"""pymeasure parameters of a procedure, made from the model of its recipe, so that each is described once.

What a procedure uses are the checked values of the model; these parameters are how pymeasure's tools see them.
"""

from typing import Any, TypeVar

from pymeasure.experiment import FloatParameter, IntegerParameter, Parameter

from xraydaq.config.recipes.parts import ProcedureParameters
from xraydaq.config.values import Bounds, Number, Quantity

P = TypeVar("P", bound=type[Any])

UNBOUNDED = 1e9
DIGITS = 17


def described_by(model: type[ProcedureParameters]) -> Any:
    """Decorate a procedure class: every field of `model` becomes a pymeasure parameter of the same name."""

    def decorate(procedure: P) -> P:
        for name, field in model.model_fields.items():
            setattr(procedure, name, _parameter(field.alias or name, field.metadata, field.default))
        return procedure

    return decorate


def _parameter(key: str, metadata: list[Any], default: object) -> Parameter:
    label = key.replace("_", " ").capitalize()
    kind = next((each for each in metadata if isinstance(each, Quantity | Number)), None)
    usual = default if isinstance(default, int | float | str) else None
    if kind is None:
        return Parameter(label, default=usual)
    low, high = _bounds(kind.bounds)
    if isinstance(kind, Number) and kind.whole:
        return IntegerParameter(label, minimum=int(low), maximum=int(high), default=usual)
    unit = kind.unit if isinstance(kind, Quantity) else None
    return FloatParameter(label, units=unit, minimum=low, maximum=high, default=usual, decimals=DIGITS)


def _bounds(bounds: Bounds) -> tuple[float, float]:
    low = bounds.above if bounds.at_least is None else bounds.at_least
    return -UNBOUNDED if low is None else low, UNBOUNDED if bounds.at_most is None else bounds.at_most
