"""The controller behind its interface: ten control steps a second, brought to the time it is told."""

from collections.abc import Callable

from instruments.sim.lakeshore335.loop import Loop
from instruments.sim.lakeshore335.models import Model
from instruments.sim.lakeshore335.plant import Plant
from instruments.sim.lakeshore335.sensors import DISABLED, OVER_RANGE, UNITS_OVER, Input
from instruments.sim.lakeshore335.settings import factory
from instruments.sim.twin.streams import stream

STEP_S = 0.1
OPERATION_COMPLETE, QUERY_ERROR, EXECUTION_ERROR, COMMAND_ERROR, POWER_ON = 1, 4, 16, 32, 128
EVENT_SUMMARY = 32
OVERLOAD, LOOP_2_RAMP_DONE, LOOP_1_RAMP_DONE, NEW_READING = 2, 4, 8, 16


class Instrument:
    """Inputs, outputs, memory and registers. Output 1 drives the plant, the other outputs drive nothing."""

    def __init__(
        self, model: Model, plant: Plant, second: Callable[[float], float] | None, *, seed: int, noise_k: float,
        drift_k: float, heater_ohm: float,
    ) -> None:  # fmt: skip
        self.model = model
        self.stored = factory(model.inputs, model.outputs)
        sources: dict[str, Callable[[float], float] | None] = {"A": plant.sensor_k, "B": second}
        if second is not None:
            self.stored.inputs["B"].type = 1
        self.inputs = {
            name: Input(settings, sources.get(name), stream(seed, f"sensor {name}"), noise_k, drift_k)
            for name, settings in self.stored.inputs.items()
        }
        self.loops = {number: Loop(settings, heater_ohm) for number, settings in self.stored.outputs.items()}
        self.event_bits, self.event_enable, self.service_enable = POWER_ON, 0, 0
        self.tripped: list[tuple[float, str]] = []
        """Every time an input passed its limit."""
        self.on = True
        self.heater_w = 0.0
        self._plant = plant
        self._start_s: float | None = None
        self._steps = 0

    def advance(self, now_s: float) -> None:
        """Do every control step due by `now_s`; the first one is at the first moment the instrument hears of."""
        if self._start_s is None:
            self._start_s = now_s
        while (step_s := self._start_s + self._steps * STEP_S) <= now_s:
            self._steps += 1
            self._step(step_s)

    def _step(self, time_s: float) -> None:
        for each in self.inputs.values():
            each.tick(time_s, STEP_S)
        if not self.on:
            return
        self._watch_limits(time_s)
        for number, loop in self.loops.items():
            power_w = loop.tick(STEP_S, self._control_k(loop))
            if number == 1 and loop.heater_fault == 0:
                self._heat(time_s, power_w)
            elif number == 1:
                self._heat(time_s, 0.0)

    def _heat(self, time_s: float, power_w: float) -> None:
        if power_w != self.heater_w:
            self.heater_w = power_w
            self._plant.set_heater_w(time_s, power_w)

    def _control_k(self, loop: Loop) -> float | None:
        """Get the unfiltered reading a loop controls, None without a good one."""
        number = loop.settings.input
        if number == 0:
            return None
        source = self.inputs[self.model.inputs[number - 1]]
        return source.control_k if source.status == 0 else None

    def _watch_limits(self, time_s: float) -> None:
        """Above the limit of any input all outputs go off, and stay off until a range is set again."""
        for name, each in self.inputs.items():
            limit_k = each.settings.limit_k
            # A sensor beyond its curve shows the end of the curve: it may be hotter than any limit.
            is_over = each.control_k > limit_k or bool(each.status & OVER_RANGE)
            if limit_k > 0 and is_over and any(loop.range for loop in self.loops.values()):
                self.tripped.append((time_s, name))
                for loop in self.loops.values():
                    loop.range = 0

    def restart(self) -> None:
        """``*RST``: what is stored, as after power-up."""
        for loop in self.loops.values():
            loop.power_up()

    def switch(self, time_s: float, on: bool) -> None:
        """Press the power switch."""
        self.advance(time_s)
        if on and not self.on:
            self.restart()
            self.event_bits, self.event_enable, self.service_enable = POWER_ON, 0, 0
        self.on = on
        if not on:
            self._heat(time_s, 0.0)

    def take_events(self) -> int:
        """Read the standard event register, which clears it."""
        bits, self.event_bits = self.event_bits, 0
        return bits

    def status_byte(self) -> int:
        """Get the status byte."""
        byte = EVENT_SUMMARY if self.event_bits & self.event_enable else 0
        return byte | (64 if byte & self.service_enable else 0)

    def operation(self) -> int:
        """Get the operation register; there is always a new reading ten times a second."""
        bits = NEW_READING
        connected = [each for each in self.inputs.values() if each.settings.type != DISABLED]
        bits |= OVERLOAD if any(each.status & (OVER_RANGE | UNITS_OVER) for each in connected) else 0
        bits |= LOOP_1_RAMP_DONE if self.loops[1].ramp_done else 0
        return bits | (LOOP_2_RAMP_DONE if self.loops[2].ramp_done else 0)
