"""Builds what stands on a simulated bench."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from instruments.sim.device import Device
from instruments.sim.keithley2400 import SimKeithley2400
from instruments.sim.keithley2400.instrument import Unit
from instruments.sim.keithley2400.meter import Calibration
from instruments.sim.twin.exposure import OUTPUT_FACTOR
from instruments.sim.twin.room import Wander, Wandering
from instruments.sim.twin.stage import Stage
from instruments.sim.twin.streams import stream
from instruments.sim.twin.world import Thermometer, World

if TYPE_CHECKING:
    from instruments.sim.bench import Settings, SimBench

SINCE_LAST_USE_S = 3600.0
"""The tube was warmed up today."""


def stage_of(settings: "Settings", seed: int) -> Stage:
    """Get the stage of a bench."""
    return Stage(
        start_k=settings.temperature_k,
        cold_k=settings.cold_end_k,
        sensor_offset_k=settings.unknowns.sensor_offset_k,
        sensor_slope=settings.unknowns.sensor_slope,
        wander=_wander(settings, seed),
    )


def wandering_of(settings: "Settings", seed: int) -> Wandering | None:
    """Get what moves the crystal's temperature on a bench without a stage; None is nothing."""
    wander = _wander(settings, seed)
    return None if wander is None else Wandering(settings.temperature_k, wander)


def _wander(settings: "Settings", seed: int) -> Callable[[float], float] | None:
    if settings.temperature_wander_k == 0:
        return None
    return Wander(stream(seed, "crystal temperature"), settings.temperature_wander_k).at


def world_of(
    settings: "Settings", seed: int, thermometer: Thermometer | None, start_s: float, *, has_tube: bool
) -> World:
    """Get the world of a bench."""
    return World(
        seed=seed,
        device=settings.device,
        temperature_k=settings.temperature_k,
        conduction=settings.conduction,
        noise=settings.noise,
        spectral=settings.spectral,
        dose_nonlinearity=settings.dose_nonlinearity,
        chamber_field=settings.chamber_field,
        wiring=settings.wiring,
        total_al_m=settings.fixed_filter_m,
        thermometer=thermometer,
        electrodes=settings.electrodes,
        trap_spread=settings.trap_spread,
        sensitivity_drift_per_h=settings.sensitivity_drift_per_h,
        start_s=start_s,
        spot_factor=settings.unknowns.spot_factor,
        output_factor=OUTPUT_FACTOR * settings.unknowns.tube_output_factor,
        **({"delay_s": 0.0} if has_tube else {}),  # the simulated tube ramps by itself
    )


def scenario_of(bench: "SimBench") -> Callable[[float], None]:
    """Get what lets the faults of a bench happen."""
    from instruments.sim.deeds import Scenario

    return Scenario(bench, bench.settings.happenings).advance


# Only what a bench has is imported: a run of one instrument starts without the others.
def _smu(bench: "SimBench") -> Device:
    unknowns = bench.settings.unknowns
    calibration = Calibration(gain_error=unknowns.smu_gain_error, offset_share=unknowns.smu_offset_share)
    smu = SimKeithley2400(bench.world.crystal_load, seed=bench.seed, unit=Unit(calibration=calibration))
    bench.samplers.append(smu.advance)
    return smu


def _tube(bench: "SimBench") -> Device:
    from instruments.sim.minix2 import SimMiniX2, Unit

    start_utc_s = bench.clock.utc()
    tube = SimMiniX2(
        bench.world,
        seed=bench.seed,
        baud=bench.baud("tube"),
        unit=Unit(start_utc_s=start_utc_s, last_off_utc_s=start_utc_s - SINCE_LAST_USE_S),
        start_s=bench.start_s,
        on_event=bench.on_beam,
    )
    bench.world.register(tube.advance)
    return tube


def _dosimeter(bench: "SimBench") -> Device:
    from instruments.sim.accugold import Digitizer, SimAccuGoldBridge
    from instruments.sim.twin.chamber import Chamber

    bench.chamber = Chamber(
        bench.world.kerma_rate_gy_s,
        seed=bench.seed,
        irradiated_share=bench.world.chamber_share,
        factor=bench.settings.unknowns.chamber_response,
    )
    bridge = SimAccuGoldBridge(Digitizer(bench.chamber))
    bridge.advance(bench.start_s)  # its time begins with the first moment it is told
    return bridge


def _preamplifier(bench: "SimBench") -> Device:
    from instruments.sim.sr570 import SimSr570

    preamplifier = SimSr570(bench.world.preamplifier_source, seed=bench.seed)
    bench.world.register(preamplifier.advance)  # it never answers: nobody would ask it to catch up
    return preamplifier


def _analyser(bench: "SimBench") -> Device:
    from instruments.sim.agilent35670a import SimAgilent35670a
    from instruments.sim.agilent35670a import Unit as Analyser
    from instruments.sim.sr570 import SimSr570

    source = bench.devices.get("preamplifier") or SimSr570(bench.world.preamplifier_source, seed=bench.seed)
    assert isinstance(source, SimSr570)
    analyser = SimAgilent35670a(source, seed=bench.seed, unit=Analyser(has_1600_lines=True))
    source.before_change = analyser.sample_to
    bench.samplers.append(analyser.sample_to)
    return analyser


def _temperature(bench: "SimBench") -> Device:
    from instruments.sim.lakeshore335 import SimLakeShore335
    from instruments.sim.lakeshore335.device import SPACING_S

    assert bench.stage is not None
    # a served line has the jitter of this computer's threads, which is no fault of who speaks too soon
    spacing_s = 0.0 if bench.is_served else SPACING_S
    controller = SimLakeShore335(bench.stage, seed=bench.seed, baud=bench.baud("temperature"), spacing_s=spacing_s)
    bench.stage.follow(controller.advance)
    bench.world.register(controller.advance)
    controller.advance(bench.start_s)  # its time begins with the first moment it is told
    return controller


def _operator(bench: "SimBench") -> Device:
    from instruments.sim.deeds import deeds_of
    from instruments.sim.operator import SimOperator

    return SimOperator(deeds_of(bench))


BUILDERS: dict[str, Callable[["SimBench"], Device]] = {
    "smu": _smu,
    "tube": _tube,
    "dosimeter": _dosimeter,
    "preamplifier": _preamplifier,
    "analyser": _analyser,
    "temperature": _temperature,
    "operator": _operator,
}
"""Role -> how its instrument is built."""
