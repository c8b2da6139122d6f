"""What the instrument keeps in its non-volatile memory."""

from dataclasses import dataclass, field

ROOM_K = 300.0


@dataclass
class InputSettings:
    """One sensor input; the factory sensor is a silicon diode on curve 2 (DT-670)."""

    type: int = 1
    auto_range: int = 0
    range: int = 0
    compensation: int = 0
    units: int = 1
    """Preferred units: 1 kelvin, 2 Celsius."""
    curve: int = 2
    filter_on: bool = False
    filter_points: int = 8
    filter_window_percent: int = 10
    limit_k: float = 0.0
    """Above it all outputs go off; 0 disables."""


@dataclass
class OutputSettings:
    """One control output."""

    mode: int = 0
    input: int = 0
    power_up_on: bool = False
    target_k: float = ROOM_K
    proportional: float = 50.0
    integral: float = 20.0
    derivative_percent: float = 0.0
    manual_percent: float = 0.0
    ramp_k_per_min: float = 0.0
    range: int = 0
    heater_type: int = 0
    heater_resistance: int = 2
    heater_max_current: int = 2
    heater_user_current_a: float = 0.0
    heater_display: int = 1
    """1 shows percent of full-scale current, 2 of power."""


@dataclass
class Stored:
    """All of it."""

    inputs: dict[str, InputSettings]
    outputs: dict[int, OutputSettings]
    mode: int = 0
    lock: tuple[int, int] = (0, 123)
    brightness: int = 3
    emulation: int = 0
    zones: dict[tuple[int, int], str] = field(default_factory=dict)


def factory(inputs: tuple[str, ...], outputs: tuple[int, ...]) -> Stored:
    """Get a new instrument's memory: input A controls output 1, the second input is not connected."""
    stored = Stored({name: InputSettings() for name in inputs}, {number: OutputSettings() for number in outputs})
    for name in inputs[1:]:
        stored.inputs[name].type = 0
    stored.outputs[1].mode, stored.outputs[1].input = 1, 1
    return stored
