"""A simulated bench for other programs: which instruments it has, and the bench file they dial in with."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from xraydaq.bench.opening import cabled, simulation_settings
from xraydaq.config.dosimeter import OPERATOR
from xraydaq.units import format_quantity

if TYPE_CHECKING:
    from instruments.sim.bench import SimBench
    from instruments.sim.serve import EventLog
    from xraydaq.clock import Clock
    from xraydaq.config import Bench
    from xraydaq.config.dosimeter import DosimeterTable
    from xraydaq.config.models import StageTable

DIGITS = 12

HEAD = """\
# A simulated bench that another process serves. NOTHING HERE IS A REAL INSTRUMENT.
# It is valid as long as that process runs.

name = "{name}"
served_simulation = true
"""


def simulated_roles(bench: "Bench") -> tuple[str, ...]:
    """Get the roles that a served bench has: its instruments, and the person who stands there."""
    return (*cabled(bench), "operator")


def served_simulation(bench: "Bench", clock: "Clock", events: "EventLog", *, device: str, seed: int) -> "SimBench":
    """Build the world to serve; everything that is said and every change of the beam goes into the log."""
    from instruments.sim.bench import SimBench

    return SimBench(
        clock,
        simulation_settings(bench, device),
        seed=seed,
        roles=simulated_roles(bench),
        is_served=True,
        log=events.bytes,
        on_beam=events.beam,
    )


def bench_text(bench: "Bench", resources: Mapping[str, str]) -> str:
    """Write the bench file to dial in with."""
    parts = [HEAD.format(name=f"{bench.name} served")]
    for name, role in bench.roles.items():
        resource = resources.get(name, OPERATOR)
        frame = 'frame = "8N1"   # a pseudo-terminal has no other\n' if resource.startswith("ASRL") else ""
        parts.append(f'[roles.{name}]\ndriver = "{role.driver}"\nresource = "{resource}"\n{frame}')
    parts.append(f'[roles.operator]\ndriver = "stand_in"\nresource = "{resources["operator"]}"\n')
    parts.append("\n".join(["[limits]", *_limits(bench)]) + "\n")
    if bench.filters is not None:
        foils = ", ".join(f'"{format_quantity(each, "m", DIGITS)}"' for each in bench.filters.foils_m)
        fixed = format_quantity(bench.filters.fixed_m, "m", DIGITS)
        parts.append(f'[filters]\nfixed = "{fixed}"\nfoils = [{foils}]\n')
    parts += [_stage(bench.stage)] if bench.stage is not None and "temperature" in bench.roles else []
    parts += [_certificate(bench.dosimeter)] if bench.dosimeter is not None and "dosimeter" in bench.roles else []
    return "\n".join(parts)


def _stage(stage: "StageTable") -> str:
    return (
        f'[stage]\nheater_range = "{stage.heater_range}"\nproportional = {stage.proportional:g}\n'
        f"integral = {stage.integral:g}\nderivative = {stage.derivative_percent:g}\n"
        f'ramp_rate = "{60 * stage.ramp_rate_k_per_s:.{DIGITS}g} K/min"\n'
        f'crystal_lag = "{format_quantity(stage.crystal_lag_s, "s", DIGITS)}"\n'
        f'sensor_uncertainty = "{format_quantity(stage.offset_u_k, "K", DIGITS)}"\n'
    )


def _certificate(dosimeter: "DosimeterTable") -> str:
    """Write what a chamber behind a bridge cannot say of itself."""
    stated = (
        ("reference_temperature", dosimeter.reference_temperature_k, "K"),
        ("reference_pressure", dosimeter.reference_pressure_pa, "Pa"),
    )
    lines = [f'{key} = "{format_quantity(value, unit, DIGITS)}"' for key, value, unit in stated if value is not None]
    return "\n".join(["[dosimeter]", *lines]) + "\n"


def _limits(bench: "Bench") -> list[str]:
    limits = bench.limits
    stated = (
        ("max_bias", limits.max_bias_v, "V"),
        ("max_current", limits.max_current_a, "A"),
        ("max_tube_voltage", limits.max_tube_voltage_v, "V"),
        ("max_tube_current", limits.max_tube_current_a, "A"),
        ("max_tube_power", limits.max_tube_power_w, "W"),
        ("max_temperature", limits.max_temperature_k, "K"),
    )
    return [f'{key} = "{format_quantity(value, unit, DIGITS)}"' for key, value, unit in stated if value is not None]
