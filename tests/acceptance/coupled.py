"""The simulated bench with all its instruments, spoken to by the drivers alone."""

import math
from dataclasses import dataclass

import numpy as np

from instruments.accugold import AT_20_DEGC, Air, BridgeDosimeter
from instruments.agilent35670a import Agilent35670A
from instruments.keithley2400 import Keithley2400, SourceVoltageSettings
from instruments.lakeshore335 import LakeShore335
from instruments.minix2 import MiniX2
from instruments.sim.bench import ROLES, Settings, SimBench
from instruments.sim.minix2 import BeamEvent
from instruments.sr570 import Sr570
from xraydaq.bench.drivers import Opening, kind_of
from xraydaq.clock import JumpingClock
from xraydaq.config import default_bench, load_bench

START_UTC_S = 1.8e9
POLL_S = 1.0
BEAM = ("smu", "tube", "dosimeter", "operator")
TABLE = {(50, 1): 212.5, (50, 2): 104.5, (50, 3): 61.74, (50, 10): 7.210, (40, 1): 180.0, (30, 1): 104.0}
"""Air kerma rate in nGy/s per uA behind kV and mm of aluminium, at 30 cm, output factor 0.40."""

STEEPNESS_AL = {1: 1.1, 2: 1.2, 3: 1.35, 10: 2.1}
"""Per cent of kerma rate for one per cent of aluminium in all."""

OFFSET_UA = 0.05
SPOT_M2 = math.pi * 1e-3**2
WARM_S = 1800.0
FLICKER_A = 1e-10
"""Density at 1 Hz of the atomistic crystal at its dark current of 150 nA."""

RIPPLE = 1e-3


@dataclass
class Coupled:
    """A bench on a jumping clock; `refused` is what its simulators did not take."""

    world: SimBench
    clock: JumpingClock
    beams: list[BeamEvent]
    smu: Keithley2400 | None = None
    tube: MiniX2 | None = None
    dosimeter: BridgeDosimeter | None = None
    preamplifier: Sr570 | None = None
    analyser: Agilent35670A | None = None
    temperature: LakeShore335 | None = None

    def refused(self):
        return {role: device.refused for role, device in self.world.devices.items() if device.refused}

    def do(self, deed):
        """Ask the person at the bench."""
        adapter = self.world.adapter("operator")
        adapter.write(f"DO {deed}")
        return adapter.read().strip()

    def bias(self, nplc=10, bias_v=5.0, range_a=1e-5):
        settings = SourceVoltageSettings(20.0, range_a, 10 * range_a, nplc=nplc, line_frequency_hz=50.0)
        self.smu.configure(settings)
        self.smu.output_enabled = True
        self.smu.bias_v = bias_v

    def ready(self):
        """Prepare tube and dosimeter as a person would in the morning, the barometer in view."""
        self.tube.prepare()
        self.dosimeter.identify()
        self.dosimeter.configure()
        self.dosimeter.zero()
        self.tell_air()

    def tell_air(self):
        """Tell the dosimeter what thermometer and barometer on the wall show."""
        room, now_s = self.world.devices["dosimeter"].digitizer.chamber.room, self.clock.now()
        self.dosimeter.set_air(Air(room.temperature_k(now_s), room.pressure_pa(now_s)))

    def keep(self, duration_s):
        """Let time pass and speak with the tube, which switches itself off when its host is silent."""
        end_s = self.clock.now() + duration_s
        while self.clock.now() < end_s:
            self.tube.status()
            self.clock.sleep(min(POLL_S, max(end_s - self.clock.now(), 0.0)))

    def currents_a(self, readings):
        """Take readings with the source-measure unit and speak with the tube in between."""
        found = []
        for _ in range(readings):
            found.append(self.smu.read().current_a)
            self.tube.status()
        return np.array(found)

    def kerma_rate_gy_s(self, duration_s):
        """Take one measurement with the dosimeter."""
        self.dosimeter.start(f"at {self.clock.now()} s")
        self.keep(duration_s)
        reading = self.dosimeter.read()
        self.dosimeter.stop()
        assert reading.for_record
        return reading.kerma_rate_gy_s


def coupled(seed=1, roles=ROLES, **settings):
    """Build the bench and open every driver."""
    clock, beams = JumpingClock(START_UTC_S), []
    world = SimBench(clock, Settings(**settings), seed=seed, roles=roles, on_beam=beams.append)
    bench = load_bench(default_bench())
    drivers = {
        role: kind_of(bench.roles[role].driver).make(
            Opening(world.adapter(role), clock, bench, bench.limits.max_bias_v)
        )
        for role in world.devices
        if role != "operator"
    }
    if "dosimeter" in drivers:  # its chamber's certificate says to which air its readings are brought
        drivers["dosimeter"] = BridgeDosimeter(world.adapter("dosimeter"), clock=clock, reference=AT_20_DEGC)
    return Coupled(world, clock, beams, **drivers)


def table_gy_s(kv, al_mm, ua):
    return TABLE[kv, al_mm] * 1e-9 * (ua + OFFSET_UA)


def photocurrent_a(kerma_gy_s):
    """Settled, of the atomistic crystal at 5 V over 50 um."""
    growth = 2e3 * (20.3e-6 + 30e-6) / 20.3e-6
    return (6e3 + growth * kerma_gy_s / (kerma_gy_s + 30e-6)) * SPOT_M2 * kerma_gy_s


def dose_tolerance(duration_s, kerma_gy_s):
    """Relative: digits of the table, recombination, digits of the air, ripple and noise at three sigma, the zero."""
    digits, air = 5e-2 / 180, 0.05 / 296 + 0.005 / 99.8
    random = 3 * math.hypot(RIPPLE / math.sqrt(duration_s), 1e-10 / math.sqrt(duration_s) / kerma_gy_s)
    zero = 3 * 1e-10 / math.sqrt(30) / kerma_gy_s
    return digits + 10 * kerma_gy_s + air + random + zero


def step_tolerance_a(photo_a, window_s, lag_s):
    """Flicker of the difference of two windows at three sigma, ripple, SMU gain, digits of the table."""
    flicker_a = FLICKER_A * math.sqrt(2 * (2 * math.log(2) + math.log(max(lag_s / window_s, 1)) + 1))
    return 3 * flicker_a + photo_a * (3 * 1.2 * RIPPLE / math.sqrt(window_s) + 1e-4 + 3e-4)
