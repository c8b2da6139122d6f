"""Which runs the programme consists of: recipe, sample and what is changed of the simulated world, for each."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

TREATMENTS = ("untreated", "mai", "atomistic")
HOUR_S = 3600.0
CALIBRATION = "dose calibration"
WITH_BEAM = ("dose_rate_sweep", "field_sweep", "photoresponse", "air_ionisation", "shelf_stability")
SHELF_DATES_H = (0, 50, 100, 150, 200, 250, 300, 350, 400, 450, 500, 550, 600, 650)
"""When the shelf samples are measured: two to four times a week over the published 650 h."""


@dataclass(frozen=True)
class Job:
    """One run. `key` names it in the report; `twin` holds keys of the bench's ``[twin]`` table and their values."""

    key: str
    recipe: str
    sample: str
    bench: str = "simulated"
    twin: Mapping[str, str | float] = field(default_factory=dict)
    overrides: tuple[str, ...] = ()
    number: int = 0
    """Its place in the whole programme, from which its seed follows."""
    cites_calibration: bool = False
    """It runs after the dose calibration and states its doses by that."""
    after_h: float = 0.0
    """Date of the run, in hours after the first."""


def programme(blind_seed: int | None = None) -> tuple[Job, ...]:
    """Get all runs, the long ones first, so that two processes end at about the same time.

    With `blind_seed` every crystal and bench has hidden parameters drawn around the published ones.
    """
    hidden: dict[str, str | float] = {} if blind_seed is None else {"blind_seed": blind_seed}
    return tuple(
        replace(job, number=number, twin={**job.twin, **hidden}, cites_calibration=job.recipe in WITH_BEAM)
        for number, job in enumerate(_jobs())
    )


def _jobs() -> Iterator[Job]:
    yield Job(CALIBRATION, "dose_calibration", "atomistic")
    yield Job("dose sweep", "dose_rate_sweep", "atomistic")
    yield Job("dose sweep quiet", "dose_rate_sweep", "atomistic", twin={"noise": "lod"})
    for treatment in TREATMENTS:
        yield Job(
            f"conductivity {treatment}", _of("temperature_sweep", treatment), f"{treatment}_gap", "simulated_cold"
        )
    for treatment in TREATMENTS:
        recipe, held = _of("bias_stability", treatment), 'stage_temperature="298.15 K"'
        yield Job(f"dark {treatment}", recipe, treatment, overrides=(held,))
    yield Job("field", "field_sweep", "atomistic")
    yield Job("response", "photoresponse", "atomistic")
    yield Job("air", "air_ionisation", "glass")
    for treatment in TREATMENTS:
        yield Job(f"traps {treatment}", _of("sclc_sweep", treatment), f"{treatment}_sclc")
    yield Job("noise", "noise_spectrum", "atomistic")
    for hours in SHELF_DATES_H:
        yield Job(f"shelf {hours} h", "shelf_stability", "atomistic", after_h=hours)


def _of(recipe: str, treatment: str) -> str:
    """Get the name of the shipped recipe for a treatment; the plain one is for the last."""
    return recipe if treatment == TREATMENTS[-1] else f"{recipe}_{treatment}"
