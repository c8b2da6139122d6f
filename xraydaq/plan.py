"""What a run would do, as text, without opening anything."""

import math

from procedures import bias_stability
from procedures.base import BenchProcedure, Plan
from xraydaq.config import RunConfig
from xraydaq.errors import ConfigError
from xraydaq.storage.disk import RESERVE_BYTES
from xraydaq.units import format_quantity

PROCEDURES: dict[str, type[bias_stability.BiasStability]] = {"bias_stability": bias_stability.BiasStability}
ROW_OVERHEAD_BYTES = 64
ON_COMPLIANCE = {"stop": "ends the run", "flag": "marks the row"}


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
    """Estimate the most that the run's folder needs: journal, live view and result at once, and the reserve."""
    columns = PROCEDURES[config.recipe.procedure].COLUMNS
    return RESERVE_BYTES + plan_of(config).points * (3 * 8 * len(columns) + ROW_OVERHEAD_BYTES)


def describe(config: RunConfig) -> list[tuple[str, str]]:
    """Get (label, text) lines of a plan for a person to read."""
    plan, files = plan_of(config), config.files
    simulated = "real instruments; drivers not verified on hardware"
    if not config.bench.is_real:
        simulated = "simulated (served by another process)" if config.bench.served_simulation else "simulated"
    return [
        ("recipe", f"{config.recipe.title or config.recipe.procedure} ({files['recipe']})"),
        ("procedure", config.recipe.procedure),
        ("sample", f"{config.sample.name} ({files['sample']})"),
        ("bench", f"{config.bench.name} ({files['bench']}), {simulated}"),
        *_phases(plan),
        *_settings(config, plan),
        ("readings", str(plan.points)),
        ("duration", duration_text(plan.duration_s)),
        ("disk", f"at most {disk_bytes(config) / 1e6:.0f} MB while it runs"),
        *((f"limit of {limit.quantity}", limit.text()) for limit in config.limits),
    ]


def _phases(plan: Plan) -> list[tuple[str, str]]:
    return [
        (phase.name, f"{phase.points} readings in {duration_text(phase.duration_s)} at {phase.bias_v:g} V")
        for phase in plan.phases
    ]


def _settings(config: RunConfig, plan: Plan) -> list[tuple[str, str]]:
    wanted = config.recipe.parameters
    step_s = bias_stability.RAMP_STEP_S
    steps = math.ceil(abs(wanted.bias_v) / (wanted.ramp_rate_v_per_s * step_s) - 1e-9)
    step, rate = format_quantity(abs(wanted.bias_v) / steps, "V"), format_quantity(wanted.ramp_rate_v_per_s, "V/s")
    range_a = math.nan if wanted.current_range_a is None else wanted.current_range_a
    return [
        (
            "each reading",
            f"every {format_quantity(wanted.period_s, 's')}, {wanted.nplc:g} PLC at {wanted.line_frequency_hz:g} Hz, "
            f"range {format_quantity(range_a, 'A')}",
        ),
        ("compliance", f"{format_quantity(wanted.compliance_a, 'A')}, {ON_COMPLIANCE[wanted.on_compliance]}"),
        ("nominal field", f"{abs(wanted.bias_v) / config.sample.gap_m / 1e3:.4g} V/mm"),
        ("bias steps", f"{steps} of {step} up, {rate}; {plan.ramp_s:.1f} s for up and down"),
    ]


def duration_text(duration_s: float) -> str:
    """Write a duration as ``13 h 20 min 0 s``."""
    minutes, seconds = divmod(round(duration_s), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(hours, "h"), (minutes, "min"), (seconds, "s")]
    shown = [f"{value} {unit}" for value, unit in parts if value]
    return " ".join(shown) or "0 s"
