"""What a run would do, as text, without opening anything."""

from procedures import bias_stability
from procedures.base import BenchProcedure, Plan
from xraydaq.config import RunConfig
from xraydaq.errors import ConfigError
from xraydaq.units import format_quantity

PROCEDURES: dict[str, type[bias_stability.BiasStability]] = {"bias_stability": bias_stability.BiasStability}
ROW_OVERHEAD_BYTES = 64


def procedure_of(config: RunConfig) -> BenchProcedure:
    """Build the procedure a recipe names, with its parameters set."""
    try:
        return PROCEDURES[config.recipe.procedure].from_config(config)
    except KeyError:
        raise ConfigError(f"procedure: {config.recipe.procedure!r} is not known") from None


def plan_of(config: RunConfig) -> Plan:
    """Compute the plan of a recipe."""
    return {"bias_stability": bias_stability.plan}[config.recipe.procedure](config)


def disk_bytes(config: RunConfig) -> int:
    """Estimate what the run folder will need: journal, live view and result."""
    columns = PROCEDURES[config.recipe.procedure].COLUMNS
    return plan_of(config).points * (3 * 8 * len(columns) + ROW_OVERHEAD_BYTES)


def describe(config: RunConfig) -> list[tuple[str, str]]:
    """Get (label, text) lines of a plan for a person to read."""
    plan = plan_of(config)
    wanted = config.recipe.parameters
    lines = [
        ("recipe", config.recipe.title or config.recipe.procedure),
        ("procedure", config.recipe.procedure),
        ("sample", config.sample.name),
        ("bench", f"{config.bench.name}{' (simulated)' if config.bench.simulated else ''}"),
    ]
    for phase in plan.phases:
        lines.append(
            (phase.name, f"{phase.points} readings in {duration_text(phase.duration_s)} at {phase.bias_v:g} V")
        )
    lines += [
        ("nominal field", format_quantity(abs(wanted.bias_v) / config.sample.gap_m, "V/m")),
        ("bias steps", f"ramp of {wanted.ramp_rate_v_per_s:g} V/s, {plan.ramp_s:.1f} s in all"),
        ("readings", str(plan.points)),
        ("duration", duration_text(plan.duration_s)),
        ("disk", f"{disk_bytes(config) / 1e6:.1f} MB at most while it runs"),
    ]
    for limit in config.limits:
        lines.append(
            (f"limit: {limit.quantity}", f"{format_quantity(limit.value, limit.unit)} from {limit.file}:{limit.line}")
        )
    return lines


def duration_text(duration_s: float) -> str:
    """Write a duration as ``13 h 20 min 0 s``."""
    minutes, seconds = divmod(round(duration_s), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(hours, "h"), (minutes, "min"), (seconds, "s")]
    shown = [f"{value} {unit}" for value, unit in parts if value]
    return " ".join(shown) or "0 s"
