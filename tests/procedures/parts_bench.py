"""A procedure that does what a test says, on a simulated bench whose own record tells what became of it."""

import dataclasses
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ClassVar

from instruments.minix2 import MiniX2
from instruments.sim.bench import SimBench
from instruments.sim.deeds import deeds_of
from instruments.sim.minix2 import SimMiniX2
from procedures.base import Plan, RunContext
from procedures.chopping import ChoppedBeamProcedure, Setting
from procedures.parameters import described_by
from procedures.stage import Stage
from xraydaq.bench import open_bench
from xraydaq.clock import JumpingClock
from xraydaq.config import load_run
from xraydaq.config.recipes.parts import ChoppedBeamParameters
from xraydaq.config.shipped import shipped_configs
from xraydaq.guardian.opening import guarded_inline
from xraydaq.runner.thread import ProcedureThread
from xraydaq.safety.guard_events import Arm

BIAS_V = 5.0
BEAM = Setting(50e3, 194e-6)
PERIOD_S = 0.25
START_UTC_S = 1_700_000_000.0


class PartsParameters(ChoppedBeamParameters):
    """Those of every procedure with a chopped beam."""

    ROLES: ClassVar[tuple[str, ...]] = ("smu", "tube", "filters")

    def biases(self):
        """Get the one bias."""
        return (("bias", BIAS_V),)


@described_by(PartsParameters)
class Parts(ChoppedBeamProcedure):
    """Prepares beam, source and stage as they all do, then does what `script` says."""

    script: Callable[["Parts"], None]

    @classmethod
    def plan(cls, config):
        """Plan nothing."""
        return Plan((), 0.0)

    def measure_all(self):
        """Do what the test says."""
        self.script(self)

    def bias(self):
        """Have the crystal at its bias."""
        self.source.switch_on()
        self.source.ramp_to(BIAS_V)

    def lit(self, duration_s):
        """Record with the beam on, and leave it on."""
        self.bias()
        self.beam.on(BEAM.voltage_v, BEAM.current_a)
        self.record(duration_s)


class StageParameters(PartsParameters):
    """Of a procedure without beam and source."""

    ROLES: ClassVar[tuple[str, ...]] = ("temperature",)


@described_by(StageParameters)
class StageAlone(Parts):
    """Has the stage and nothing else."""

    def prepare(self, way_back):
        """Prepare the stage."""
        self.stage = Stage(self, None)
        self.stage.prepare(way_back)


@dataclasses.dataclass
class Rig:
    """A bench, its procedure, and what came of it."""

    procedure: Parts
    bench: object
    clock: JumpingClock
    stop: threading.Event = dataclasses.field(default_factory=threading.Event)
    rows: list[dict[str, float]] = dataclasses.field(default_factory=list)
    emitted_s: list[float] = dataclasses.field(default_factory=list)
    """When each row was there, on the clock of the bench."""
    notes: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    on_row: Callable[[dict[str, float]], None] = lambda row: None

    @property
    def world(self) -> SimBench:
        """Get the simulated world."""
        return self.bench.simulation

    @property
    def tube(self) -> SimMiniX2:
        """Get the simulated tube, brought to this moment."""
        tube = self.world.devices["tube"]
        tube.advance(self.clock.now())
        return tube

    @property
    def failures(self) -> tuple[str, ...]:
        """Get what the way back could not do."""
        return self.procedure.way_back_failures

    def run(self, script):
        """Prepare, do what `script` says, take the way back; returns the error that ended it."""
        self.procedure.script = script
        thread = ProcedureThread(self.procedure, self._row, self.stop)
        thread.run()  # here, in this thread: a test that fails shows where
        return thread.error

    def switch_on_from_elsewhere(self):
        """Have another program switch the tube on."""
        limits = {"max_voltage_v": 50e3, "max_current_a": 200e-6, "max_power_w": 10.0}
        tube = MiniX2(self.world.adapter("tube"), clock=self.clock, **limits)
        tube.set_output(BEAM.voltage_v, BEAM.current_a)

    def deed(self, name, after_s=0.0, value=""):
        """Have a person at the bench do something, now or later."""
        deeds_of(self.world)[name](self.clock.now() + after_s, value)

    def edges_s(self):
        """Get (moment, whether on) of each time the tube went on or off, as the tube itself knows."""
        found = [(event.time_s, event.on) for event in self.tube.beam_log]
        return [edge for number, edge in enumerate(found) if number == 0 or edge[1] != found[number - 1][1]]

    def lit_after_s(self, moment_s):
        """Get for how long the tube was on after a moment until which it was on, by its own record."""
        edges_s = self.edges_s()
        assert [on for at_s, on in edges_s if at_s < moment_s][-1:] == [True], edges_s
        offs_s = [at_s for at_s, on in edges_s if at_s >= moment_s and not on]
        return (offs_s[0] if offs_s else self.clock.now()) - moment_s

    def stays_dark(self, duration_s=30.0):
        """Let time pass and tell whether the tube is off and stays so."""
        edges = len(self.edges_s())
        self.clock.sleep(duration_s)
        self.world.advance(self.clock.now())
        return not self.tube.beam_on and len(self.edges_s()) == edges

    def _row(self, row):
        self.rows.append(row)
        self.emitted_s.append(self.clock.now())
        self.on_row(row)


@contextmanager
def parts(procedure_class=Parts, *, seed=1, bench="simulated", **wanted) -> Iterator[Rig]:
    """Open a bench for the test procedure; `wanted` are keys of the recipe."""
    configs = shipped_configs()
    config = load_run(configs / "recipes" / "bias_stability.toml", bench=configs / "benches" / f"{bench}.toml")
    usual = {"compliance": "50 uA", "current_range": "10 uA", "ramp_rate": "10 V/s"}
    parameters = PartsParameters if procedure_class is Parts else StageParameters
    values = parameters.model_validate(usual | wanted)
    config = dataclasses.replace(config, recipe=config.recipe.model_copy(update={"parameters": values}))
    clock = JumpingClock(START_UTC_S)
    with open_bench(config, clock, seed=seed, open_tube=guarded_inline) as opened:
        procedure = procedure_class.from_config(config)
        rig = Rig(procedure, opened, clock)
        procedure.attach(
            RunContext(
                bench=opened, clock=clock, stop=rig.stop, config=config,
                note=lambda kind, message, severity: rig.notes.append((kind, message)),
                snapshot=lambda moment: None, block=lambda name, header, values: None,
                arm=Arm("test", True, 3600.0, 10.0),
            )
        )  # fmt: skip
        yield rig
