"""What a run would do, as text, without opening anything."""

from procedures import PROCEDURES
from procedures.base import BenchProcedure, Phase, Plan
from xraydaq.config import RunConfig
from xraydaq.storage.disk import RESERVE_BYTES
from xraydaq.units import format_quantity

ROW_OVERHEAD_BYTES = 64


def procedure_of(config: RunConfig) -> BenchProcedure:
    """Build the procedure a recipe names, with its parameters set."""
    return PROCEDURES[config.recipe.procedure]().from_config(config)


def plan_of(config: RunConfig) -> Plan:
    """Compute the plan of a recipe."""
    return PROCEDURES[config.recipe.procedure]().plan(config)


def disk_bytes(config: RunConfig, plan: Plan) -> int:
    """Estimate the most that the run's folder needs: journal, live view and result at once, and the reserve."""
    columns = PROCEDURES[config.recipe.procedure]().COLUMNS
    return RESERVE_BYTES + plan.points * (3 * 8 * len(columns) + ROW_OVERHEAD_BYTES)


def describe(config: RunConfig, plan: Plan) -> list[tuple[str, str]]:
    """Get (label, text) lines of a plan for a person to read."""
    files = config.files
    simulated = "real instruments; drivers not verified on hardware"
    if not config.bench.is_real:
        simulated = "simulated (served by another process)" if config.bench.served_simulation else "simulated"
    return [
        ("recipe", f"{config.recipe.title or config.recipe.procedure} ({files['recipe']})"),
        ("procedure", config.recipe.procedure),
        ("sample", f"{config.sample.name} ({files['sample']})"),
        ("bench", f"{config.bench.name} ({files['bench']}), {simulated}"),
        *([("calibration", f"{config.calibration.name} ({files['calibration']})")] if config.calibration else []),
        *((phase.name, _phase_text(phase)) for phase in plan.phases),
        *plan.details,
        *_held(config),
        ("readings", str(plan.points)),
        ("duration", duration_text(plan.duration_s)),
        *_beam(plan),
        ("disk", f"at most {disk_bytes(config, plan) / 1e6:.0f} MB while it runs"),
        *((f"limit of {limit.quantity}", limit.text()) for limit in config.limits),
    ]


def _phase_text(phase: Phase) -> str:
    readings = f"{phase.points} readings" if phase.points else "no readings"
    return (
        f"{readings} in {duration_text(phase.duration_s)} at {phase.bias_v:g} V"
        if not phase.at
        else (f"{readings} in {duration_text(phase.duration_s)}: {phase.at}")
    )


def _held(config: RunConfig) -> list[tuple[str, str]]:
    kelvin = getattr(config.recipe.parameters, "stage_temperature_k", None)
    return [] if kelvin is None else [("stage", f"held at {kelvin:g} K, logged with every reading")]


def _beam(plan: Plan) -> list[tuple[str, str]]:
    if not plan.beam_s > 0:
        return []
    dose = f", air kerma at the crystal {format_quantity(plan.dose_gy, 'Gy')}" if plan.dose_gy > 0 else ""
    return [("X-rays on", f"{duration_text(plan.beam_s)}{dose}")]


def duration_text(duration_s: float) -> str:
    """Write a duration as ``13 h 20 min 0 s``."""
    minutes, seconds = divmod(round(duration_s), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(hours, "h"), (minutes, "min"), (seconds, "s")]
    shown = [f"{value} {unit}" for value, unit in parts if value]
    return " ".join(shown) or "0 s"
