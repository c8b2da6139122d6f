"""Limits of a run: bench, sample and instrument all apply, and the tightest of each quantity wins.

Limits are no keys with precedence: nothing a recipe or an option says can widen one.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from xraydaq.config.draft import Draft
from xraydaq.config.envelope import HIGH_VOLTAGE_CURRENT_A, LOW_VOLTAGE_V, MAX_BIAS_V, MAX_CURRENT_A
from xraydaq.config.source import Origin
from xraydaq.units import format_quantity

BIAS = "bias"
CURRENT = "current"
TUBE_VOLTAGE = "tube voltage"
TUBE_CURRENT = "tube current"
TUBE_POWER = "tube power"
TEMPERATURE = "temperature"
OF_ROLES = (
    (TUBE_VOLTAGE, "tube", "max_tube_voltage", "max_tube_voltage_v", "V"),
    (TUBE_CURRENT, "tube", "max_tube_current", "max_tube_current_a", "A"),
    (TUBE_POWER, "tube", "max_tube_power", "max_tube_power_w", "W"),
    (TEMPERATURE, "temperature", "max_temperature", "max_temperature_k", "K"),
)
"""Limits of a bench that concern a run only if it has the role."""

DIGITS = 12
"""Enough for messages about limits: 25.00001 V must not be told to be over 25 V by itself."""


@dataclass(frozen=True)
class Limit:
    """The largest allowed size of a quantity, in SI, and the line that says so."""

    quantity: str
    value: float
    unit: str
    file: str
    line: int
    reason: str = ""

    def holds(self, value: float) -> bool:
        """Tell whether `value` is allowed; nan is not."""
        return abs(value) <= self.value

    def text(self) -> str:
        """Say what and where the limit is."""
        return f"{format_quantity(self.value, self.unit, DIGITS)} from {self.file}:{self.line} ({self.reason})"


def limits_of(draft: Draft) -> tuple[Limit, ...]:
    """Get every limit that a draft already knows, with the tightest of each quantity first."""
    return tuple(sorted((*_bench(draft), *_sample(draft), *_instrument(draft)), key=lambda limit: limit.value))


def tightest(limits: tuple[Limit, ...]) -> tuple[Limit, ...]:
    """Get the smallest limit of each quantity."""
    found: dict[str, Limit] = {}
    for limit in limits:
        if limit.quantity not in found or limit.value < found[limit.quantity].value:
            found[limit.quantity] = limit
    return tuple(found[quantity] for quantity in sorted(found))


def _bench(draft: Draft) -> Iterator[Limit]:
    if draft.knows("bench.limits.max_bias"):
        yield _limit(
            BIAS, draft.bench.limits.max_bias_v, "V", draft.origin("bench.limits.max_bias"), "max_bias of the bench"
        )
    if draft.knows("bench.limits.max_current"):
        origin = draft.origin("bench.limits.max_current")
        yield _limit(CURRENT, draft.bench.limits.max_current_a, "A", origin, "max_current of the bench")
    needed = draft.recipe.parameters.roles if draft.knows("recipe.procedure") else ()
    for quantity, role, key, attribute, unit in OF_ROLES:
        value = getattr(draft.bench.limits, attribute)
        if role in needed and value is not None and draft.knows(f"bench.limits.{key}"):
            yield _limit(quantity, value, unit, draft.origin(f"bench.limits.{key}"), f"{key} of the bench")


def _sample(draft: Draft) -> Iterator[Limit]:
    if draft.knows("sample.max_field", "sample.gap"):
        field_v_per_m, gap_m = draft.sample.max_field_v_per_m, draft.sample.gap_m
        # twelve digits: 0.5 V/um over 50 um is 25 V, not the neighbouring float
        bias_v = float(f"{field_v_per_m * gap_m:.12g}")
        field, gap = format_quantity(field_v_per_m, "V/m", DIGITS), format_quantity(gap_m, "m", DIGITS)
        reason = f"max_field {field} of the sample over its gap of {gap}"
        yield _limit(BIAS, bias_v, "V", draft.origin("sample.max_field"), reason)


def _instrument(draft: Draft) -> Iterator[Limit]:
    if not draft.knows("bench.roles") or "smu" not in draft.bench.roles or not draft.knows("bench.roles.smu.driver"):
        return
    origin = draft.origin("bench.roles.smu.driver")
    yield _limit(BIAS, MAX_BIAS_V, "V", origin, "the most a Keithley 2400 gives")
    biases = tuple(draft.recipe.parameters.biases())
    known = draft.knows(*(f"recipe.parameters.{key}" for key, _ in biases))
    if known and not all(abs(bias_v) <= LOW_VOLTAGE_V for _, bias_v in biases):
        reason = f"the most a Keithley 2400 gives above {LOW_VOLTAGE_V:g} V"
        yield _limit(CURRENT, HIGH_VOLTAGE_CURRENT_A, "A", origin, reason)
    else:
        yield _limit(CURRENT, MAX_CURRENT_A, "A", origin, "the most a Keithley 2400 gives")


def _limit(quantity: str, value: float, unit: str, origin: Origin, reason: str) -> Limit:
    return Limit(quantity, value, unit, origin.file, origin.line, reason)
