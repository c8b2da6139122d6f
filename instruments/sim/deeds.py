"""What happens around a simulated bench: what a person does there, and what goes wrong."""

import math
from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from instruments.sim.lakeshore335 import SensorFault, SimLakeShore335
from instruments.sim.minix2 import SimMiniX2
from instruments.sim.operator import Deed
from instruments.sim.scenario import Happening

if TYPE_CHECKING:
    from instruments.sim.bench import SimBench

LEAK_S = 1e-3
"""Of a crystal that is nearly shorted."""

STRAY_GY_S = 1e-6
OVERLOAD_A = 1e-2
HOT_C, ROOM_C = 60.0, 25.0

Happens = Callable[["SimBench", float], None]


def deeds_of(bench: "SimBench") -> dict[str, Deed]:
    """Get what a person at this bench can do: each deed is given the moment and a value."""
    return {
        "mount_aluminium": lambda time_s, value: bench.mount(time_s, float(value)),
        "connect_crystal": bench.connect_crystal,
        "open_lid": lambda time_s, _value: _open_lid(bench, time_s),
        "close_lid": lambda time_s, _value: _close_lid(bench, time_s),
    }


class Scenario:
    """Lets faults of the world begin and end at their moments, whoever looks at the world first."""

    def __init__(self, bench: "SimBench", happenings: Iterable[Happening]) -> None:
        self._bench = bench
        edges = [(each.start_s, each.name, 0) for each in happenings]
        edges += [(each.end_s, each.name, 1) for each in happenings if each.end_s < math.inf]
        self._due = deque(sorted(edges, key=lambda edge: (edge[0], -edge[2])))

    def advance(self, now_s: float) -> None:
        """Let happen what is due by now."""
        while self._due and self._bench.start_s + self._due[0][0] <= now_s:
            after_s, name, which = self._due.popleft()
            _FAULTS[name][which](self._bench, self._bench.start_s + after_s)


def begin(bench: "SimBench", name: str, time_s: float) -> None:
    """Let a fault of the world begin."""
    with bench.time:
        _FAULTS[name][0](bench, bench.time.not_before(time_s))


def end(bench: "SimBench", name: str, time_s: float) -> None:
    """Let a fault of the world end."""
    with bench.time:
        _FAULTS[name][1](bench, bench.time.not_before(time_s))


def _open_lid(bench: "SimBench", time_s: float) -> None:
    _tube(bench).open_interlock(time_s)


def _close_lid(bench: "SimBench", time_s: float) -> None:
    _tube(bench).close_interlock(time_s)


def _short_interlock(bench: "SimBench", time_s: float) -> None:
    _tube(bench).short_interlock(time_s)


def _board(board_c: float) -> Happens:
    return lambda bench, time_s: _tube(bench).over_temperature(time_s, board_c)


def _leak(leak_s: float) -> Happens:
    return lambda bench, time_s: bench.world.set_leak(time_s, leak_s)


def _offset(offset_a: float) -> Happens:
    return lambda bench, time_s: bench.world.set_offset_current(time_s, offset_a)


def _sensor(fault: SensorFault) -> Happens:
    def act(bench: "SimBench", time_s: float) -> None:
        controller = bench.devices.get("temperature")
        if not isinstance(controller, SimLakeShore335):
            raise ValueError("this bench has no temperature controller")
        controller.advance(time_s)  # what it did before the fault, it did with a sensor
        controller.instrument.inputs["A"].fault = fault

    return act


def _stray(stray_gy_s: float) -> Happens:
    return lambda bench, time_s: bench.world.add_stray_kerma(time_s, stray_gy_s)


def _block(is_blocked: bool) -> Happens:
    return lambda bench, time_s: bench.world.block_beam(time_s, is_blocked)


def _tube(bench: "SimBench") -> SimMiniX2:
    tube = bench.devices.get("tube")
    if not isinstance(tube, SimMiniX2):
        raise ValueError("this bench has no tube")
    return tube


_FAULTS: dict[str, tuple[Happens, Happens]] = {
    "interlock_open": (_open_lid, _close_lid),
    "interlock_shorted": (_short_interlock, _close_lid),
    "over_temperature": (_board(HOT_C), _board(ROOM_C)),
    "compliance": (_leak(LEAK_S), _leak(0.0)),
    "overload": (_offset(OVERLOAD_A), _offset(0.0)),
    "sensor_open": (_sensor(SensorFault.OPEN), _sensor(SensorFault.NONE)),
    "dose_without_beam": (_stray(STRAY_GY_S), _stray(0.0)),
    "beam_without_dose": (_block(True), _block(False)),
}
"""Name -> how it begins and how it ends; `scenario.WORLD_FAULTS` says in words what they are."""
