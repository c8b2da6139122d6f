"""``xraydaq sim serve`` with faults on demand: the same served bench, in a process of its own, that reads its standard
input. ``tube:garbage 3`` spoils the tube's line for 3 s from now, ``interlock_shorted 2`` is a fault of the world, and
``monitors 2.5 0`` lets the tube's monitors show 2.5 kV and 0 uA too much from now on.
"""

import sys
import threading
from dataclasses import replace
from pathlib import Path

from instruments.sim.deeds import begin, end
from instruments.sim.faults import TimedFault
from instruments.sim.minix2 import SimMiniX2
from instruments.sim.scenario import UNPLUGGED
from instruments.sim.serve import EventLog, ServedBench
from xraydaq.bench.serving import bench_text, served_simulation
from xraydaq.clock import RealClock, ScaledClock
from xraydaq.config import default_bench, load_bench

ROLES = ("smu", "tube", "dosimeter", "temperature", "filters", "operator")


def serve(log, written):
    config = load_bench(default_bench())
    config = config.model_copy(update={"roles": {name: config.roles[name] for name in ROLES if name in config.roles}})
    with EventLog(log) as events:
        clock = ScaledClock(1.0)
        bench = served_simulation(config, clock, events, device="atomistic", seed=1)
        tube = bench.devices["tube"]
        tube.controller.unit = replace(tube.controller.unit, fault_refreshes=10**6)  # it leaves deviations to the host
        with ServedBench(bench, clock) as served:
            written.with_suffix(".origin").write_text(repr(RealClock().now() - clock.now()))
            part = written.with_suffix(".part")
            part.write_text(bench_text(config, served.resources))
            part.rename(written)
            for line in sys.stdin:
                act(bench, clock, *line.split())
                print("done", flush=True)


def act(bench, clock, name, *values):
    now_s = clock.now()
    if name == "monitors":
        bench.devices["tube"].offset_monitors(now_s, kv=float(values[0]), ua=float(values[1]))
        return
    end_s = now_s + float(values[0])
    role, _, fault = name.rpartition(":")
    if fault == UNPLUGGED:
        bench.links[role].unplug(now_s, end_s)
        if isinstance(bench.devices[role], SimMiniX2):  # whose firmware notices
            bench.devices[role].unplug(now_s)
            bench.devices[role].plug(end_s)
    elif role:
        bench.links[role].add_fault(TimedFault(fault, now_s, end_s))
    else:
        begin(bench, fault, now_s)
        ending = threading.Timer(float(values[0]), lambda: end(bench, fault, clock.now()))
        ending.daemon = True
        ending.start()


if __name__ == "__main__":
    serve(Path(sys.argv[1]), Path(sys.argv[2]))
