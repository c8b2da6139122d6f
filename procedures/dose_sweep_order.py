"""In which order a dose-rate sweep visits its points, and where its blank runs stand.

A drift of the crystal and a bend of its response look alike when the dose rates only rise: the order is random, or up
and down, and one reference point is measured first, in the middle and last.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from procedures.chopped_plan import dose_rate_gy_s
from procedures.wanted import parameters_as
from xraydaq.config import RunConfig
from xraydaq.config.recipes.dose_rate_sweep import DoseRateSweepParameters


@dataclass(frozen=True, slots=True)
class Point:
    """One foil at one tube current, or a blank run; `number` is that of the column `point`."""

    number: int
    foil_m: float = 0.0
    current_a: float = 0.0
    is_reference: bool = False

    @property
    def is_blank(self) -> bool:
        """Get whether the beam stays off."""
        return self.current_a == 0.0

    @property
    def key(self) -> str:
        """Get the name of the checkpoint."""
        return f"{'blank' if self.is_blank else 'point'} {self.number}"

    @property
    def text(self) -> str:
        """Say what is measured."""
        if self.is_blank:
            return "beam off all the time"
        reference = ", reference" if self.is_reference else ""
        return f"{self.current_a * 1e6:g} uA behind a foil of {self.foil_m * 1e3:g} mm{reference}"


wanted_of = parameters_as(DoseRateSweepParameters)


def points_of(config: RunConfig) -> tuple[Point, ...]:
    """Get everything the sweep visits, in order: half of the blank runs, the points, the other half."""
    wanted = wanted_of(config)
    before = wanted.blanks // 2
    visits = tuple(_with_reference(wanted, _settings(config, wanted)))
    found = [*([None] * before), *visits, *([None] * (wanted.blanks - before))]
    return tuple(Point(number) if each is None else Point(number, *each) for number, each in enumerate(found))


def _settings(config: RunConfig, wanted: DoseRateSweepParameters) -> list[tuple[float, float]]:
    settings = [(foil_m, current_a) for foil_m in wanted.foils_m for current_a in wanted.tube_currents_a]
    if wanted.order == "random":
        settings = settings * wanted.repeats
        random.Random(wanted.order_seed).shuffle(settings)
        return settings
    rising = sorted(settings, key=lambda each: dose_rate_gy_s(config, *each))
    if wanted.order == "rising":
        return rising * wanted.repeats
    if wanted.order == "falling":
        return rising[::-1] * wanted.repeats
    return (rising[::2] + rising[1::2][::-1]) * wanted.repeats  # every second one up, the others down


def _with_reference(
    wanted: DoseRateSweepParameters, settings: list[tuple[float, float]]
) -> Iterator[tuple[float, float, bool]]:
    reference = (wanted.reference_foil_m, wanted.reference_current_a, True)
    middle = len(settings) // 2
    yield reference
    for count, (foil_m, current_a) in enumerate(settings):
        if count == middle:
            yield reference
        yield foil_m, current_a, (foil_m, current_a) == reference[:2]
    yield reference
