"""What every driver of the catalogue must do, whatever its kind, on the simulated bench as it is shipped."""

import ast
import inspect
import math
import re
from collections.abc import Callable
from contextlib import nullcontext, suppress
from copy import deepcopy
from dataclasses import dataclass, fields, is_dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import instruments
from instruments.agilent35670a import NoiseSettings
from instruments.keithley2400 import SourceVoltageSettings
from instruments.lakeshore335 import ControlSettings, HeaterRange
from instruments.sim.bench import SimBench
from instruments.sim.faults import TimedFault
from instruments.sr570 import Sr570Settings
from xraydaq.bench.drivers import Opening, identification, kind_of
from xraydaq.bench.opening import cabled
from xraydaq.clock import JumpingClock
from xraydaq.config import default_bench, load_bench
from xraydaq.errors import InstrumentError, LimitError

BENCH = load_bench(default_bench())
ROLES = cabled(BENCH)
START_UTC_S = 1.8e9
ACT_S = 0.1
"""Enough for a serial line to carry a command of ten characters at 9600 baud, and for the device to take it; short of
the 2 s of silence after which the tube goes off by itself."""

NAN = float("nan")
SMU = SourceVoltageSettings(20.0, 1e-5, 1e-4, nplc=1.0, line_frequency_hz=50.0)
NOISE = NoiseSettings(span_hz=1600.0, range_dbvrms=-1, averages=1000)
HEATING = ControlSettings(HeaterRange.HIGH)
AMPLIFIER = Sr570Settings(sensitivity_a_v=1e-6, bias_v=0.5, filter="low_pass_6db", low_pass_hz=100.0, offset_a=1e-9)
SETTINGS = (SMU, NOISE, HEATING, AMPLIFIER)


@dataclass
class Rig:
    """One driver, and the simulated bench behind it."""

    role: str
    world: SimBench
    clock: JumpingClock
    driver: Any

    @property
    def device(self):
        self.clock.sleep(ACT_S)
        self.world.advance(self.clock.now())
        return self.world.devices[self.role]

    @property
    def bytes_received(self):
        return self.world.links[self.role].bytes_received

    def turn_on(self):
        KINDS[self.role].turn_on(self)
        assert self.is_on

    @property
    def is_on(self):
        return KINDS[self.role].is_on(self.device)

    def state(self):
        return KINDS[self.role].state(self.device)


@dataclass(frozen=True)
class Kind:
    """How a driver switches something on, and how the world shows it."""

    turn_on: Callable[[Rig], object]
    is_on: Callable[[Any], bool]
    state: Callable[[Any], object]
    ask: Callable[[Any], object] | None
    """Something that needs an answer; None for what never answers."""


def _bias(rig):
    rig.driver.configure(SMU)
    rig.driver.output_enabled = True
    rig.driver.bias_v = 5.0


def _beam(rig):
    rig.driver.prepare()
    rig.driver.set_output(30e3, 50e-6)


def _noise(rig):
    rig.driver.configure(NOISE)
    # nothing in the driver switches it on; another program may have
    rig.world.links["analyser"].send(b"INP1:BIAS ON\n", rig.clock.now())
    rig.driver.start()


def _heat(rig):
    rig.driver.configure(HEATING)
    rig.driver.start_ramp(310.0, 10.0)
    rig.clock.sleep(30.0)


def _measure(rig):
    rig.driver.start("a measurement")
    rig.clock.sleep(1.0)  # until there is a first value to read


def _tube_state(device):
    held = device.controller
    return (held.tube, held.warm_up_table, held.set_kv, held.set_ua, held.limits_off, held.checks_off, held.writes[:])


def _dosimeter_state(device):
    held = device.digitizer
    return held.mode, held.period_ms, held.threshold, held.running, held.zero_gy_s, held.zero_end_s


def _analyser_state(device):
    held = deepcopy(device.instrument.settings)
    if held.range_auto:
        held.range_db = None  # it ranges by itself all the time
    return held


KINDS = {
    "smu": Kind(
        _bias,
        lambda device: device.instrument.settings.output,
        lambda device: deepcopy(device.instrument.settings),
        lambda driver: driver.read(),
    ),
    "tube": Kind(_beam, lambda device: device.beam_on, _tube_state, lambda driver: driver.status()),
    "dosimeter": Kind(
        _measure,
        lambda device: device.digitizer.running,
        _dosimeter_state,
        lambda driver: driver.read(),
    ),
    "preamplifier": Kind(
        lambda rig: rig.driver.configure(AMPLIFIER),
        lambda device: device.state.bias_on or not device.state.blanked,
        lambda device: device.state,
        None,
    ),
    "analyser": Kind(
        _noise,
        lambda device: device.instrument.settings.bias_supply or device.instrument.run is not None,
        _analyser_state,
        lambda driver: driver.finished(),
    ),
    "temperature": Kind(
        _heat,
        lambda device: device.instrument.heater_w > 0 or device.instrument.loops[1].range != 0,
        lambda device: deepcopy(device.instrument.stored),
        lambda driver: driver.read(),
    ),
}


def opened(role):
    clock = JumpingClock(START_UTC_S)
    world = SimBench(clock, roles=(role,), seed=6)
    kind = kind_of(BENCH.roles[role].driver)
    driver = kind.make(Opening(world.adapter(role), clock, BENCH, BENCH.limits.max_bias_v))
    return Rig(role, world, clock, driver)


@pytest.fixture(params=ROLES)
def rig(request):
    """Every driver in turn; at the end its simulator may not have met a command that it did not take."""
    rig = opened(request.param)
    yield rig
    rig.driver.close()
    rig.world.advance(rig.clock.now())
    assert rig.world.devices[rig.role].refused == []
    assert getattr(rig.world.devices[rig.role], "too_close", []) == []


def test_every_driver_that_a_bench_file_may_name_with_a_cable_is_tested_here():
    assert set(ROLES) == set(KINDS)
    assert {type(opened(role).driver) for role in ROLES} == set(CLASSES.values())


def test_construction_sends_no_byte(rig):
    assert rig.bytes_received == 0
    assert rig.state() == opened(rig.role).state()


def test_it_says_who_it_is_in_four_words_and_changes_nothing(rig):
    before = rig.state()
    words = identification(rig.driver.identify()).split(",")
    assert len(words) >= 4
    assert all(words[:2])
    assert rig.state() == before


def test_settings_are_texts_that_are_the_same_twice_and_change_nothing(rig):
    rig.driver.identify()
    before = rig.state()
    first = rig.driver.settings()
    assert first
    assert all(isinstance(key, str) and isinstance(value, str) for key, value in first.items())
    assert rig.driver.settings().keys() == first.keys()
    assert rig.state() == before


def test_settings_leave_what_is_on_as_it_is(rig):
    rig.turn_on()
    before = rig.state()
    rig.driver.settings()
    assert rig.is_on
    assert rig.state() == before


@pytest.mark.parametrize("way", ["safe_off", "shutdown"])
def test_off_is_off_twice(rig, way):
    rig.turn_on()
    for _ in range(2):
        getattr(rig.driver, way)()
        assert not rig.is_on


@pytest.mark.parametrize("way", ["safe_off", "shutdown"])
def test_off_is_reached_by_a_connection_that_knows_nothing(rig, way):
    rig.turn_on()
    kind = kind_of(BENCH.roles[rig.role].driver)
    fresh = kind.make(Opening(rig.world.adapter(rig.role), rig.clock, BENCH, BENCH.limits.max_bias_v))
    getattr(fresh, way)()
    assert not rig.is_on


@pytest.mark.parametrize("way", ["safe_off", "shutdown"])
@pytest.mark.parametrize("fault", ["missing", "garbage", "cut"])
def test_off_is_off_after_an_error_in_the_middle_although_the_line_stays_bad(rig, fault, way):
    rig.turn_on()
    rig.world.links[rig.role].add_fault(TimedFault(fault, rig.clock.now(), math.inf))
    ask = KINDS[rig.role].ask
    if ask is None:  # what never answers has no answer that could be spoilt
        with pytest.raises(LimitError):
            rig.driver.set_bias(NAN)
    else:
        with pytest.raises(InstrumentError):
            ask(rig.driver)
    # off may well be impossible to show; shutdown must not raise even then
    with suppress(InstrumentError) if way == "safe_off" else nullcontext():
        getattr(rig.driver, way)()
    assert not rig.is_on


def test_safe_off_says_so_if_it_cannot_show_it(rig):
    if KINDS[rig.role].ask is None:
        return  # it never can
    rig.turn_on()
    rig.world.links[rig.role].unplug(rig.clock.now(), math.inf)
    with pytest.raises(InstrumentError):
        rig.driver.safe_off()
    rig.driver.shutdown()


def test_closing_twice_is_harmless_and_leaves_the_instrument_as_it_is(rig):
    rig.turn_on()
    sent, state = rig.bytes_received, rig.state()
    rig.driver.close()
    rig.driver.close()
    assert rig.bytes_received == sent
    assert rig.is_on
    assert rig.state() == state


def test_after_closing_shutdown_still_does_not_raise(rig):
    rig.driver.close()
    rig.driver.shutdown()


# what does not need a bench ----------------------------------------------------------------------------------------
CLASSES = {role: type(opened(role).driver) for role in ROLES}
CLASS_PARAMETERS = pytest.mark.parametrize("driver", CLASSES.values(), ids=lambda driver: driver.__name__)
PACKAGES = sorted({driver.__module__.split(".")[1] for driver in CLASSES.values()})


def floats(callable_):
    """Get the parameters of a callable that are numbers with a fraction."""
    found = inspect.signature(callable_).parameters.values()
    return [each.name for each in found if each.annotation in (float, float | None)]


def own_members(driver):
    return {name: member for name, member in vars(driver).items() if not name.startswith("_")}


LIMITS = [
    (role, name)
    for role, driver in CLASSES.items()
    for name in floats(driver)
    if re.match("(max|min)_|patience", name)
]


@pytest.mark.parametrize(("role", "limit"), LIMITS)
def test_a_limit_that_is_not_a_number_is_refused_at_construction(role, limit):
    clock = JumpingClock()
    adapter = SimBench(clock, roles=(role,)).adapter(role)
    given = {name: 1.0 for name in floats(CLASSES[role]) if name.startswith("max_")} | {"clock": clock}
    if "max_temperature_k" in given:
        given["max_temperature_k"] = 300.0
    CLASSES[role](adapter, **given)
    with pytest.raises(LimitError):
        CLASSES[role](adapter, **given | {limit: NAN})


def test_the_limits_that_are_tried_are_those_of_the_bench():
    assert {name for _, name in LIMITS} >= {
        "max_bias_v", "max_voltage_v", "max_current_a", "max_power_w", "max_temperature_k", "min_temperature_k",
    }  # fmt: skip


REQUESTS = {
    "smu": [  # lower_bias asks for the present level first
        lambda smu, value: setattr(smu, "bias_v", value),
        lambda smu, value: smu.burst(2, delay_s=value),
        lambda smu, value: smu.sweep([0.0, value]),
        lambda smu, value: smu.sweep([0.0, 1.0], delay_s=value),
        lambda smu, value: smu.linear_sweep(value, 1.0, 3),
        lambda smu, value: smu.linear_sweep(0.0, value, 3),
        lambda smu, value: smu.linear_sweep(0.0, 1.0, 3, delay_s=value),
    ],
    "tube": [
        lambda tube, value: tube.set_output(value, 50e-6),
        lambda tube, value: tube.set_output(30e3, value),
    ],
    "dosimeter": [lambda dosimeter, value: dosimeter.configure(period_s=value)],
    "preamplifier": [
        lambda amplifier, value: amplifier.set_bias(value),
        lambda amplifier, value: amplifier.witness_gain(lambda: 0.0, resistance_ohm=1e6, step_v=value),
    ],
    "analyser": [],
    "temperature": [
        lambda controller, value: controller.start_ramp(value, 10.0),
        lambda controller, value: controller.start_ramp(300.0, value),
    ],
}


@pytest.mark.parametrize("value", [NAN, math.inf, -math.inf])
def test_a_request_that_is_not_a_finite_number_is_refused_and_never_reaches_the_wire(rig, value):
    rig.turn_on()
    before, sent = rig.state(), rig.bytes_received
    for request in REQUESTS[rig.role]:
        with pytest.raises(LimitError):
            request(rig.driver, value)
    assert rig.bytes_received == sent
    assert rig.is_on
    assert rig.state() == before


@pytest.mark.parametrize(
    ("settings", "name"),
    [(settings, each.name) for settings in SETTINGS for each in fields(settings) if "float" in str(each.type)],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_a_setting_that_is_not_a_number_is_refused(settings, name):
    given = getattr(settings, name)
    with pytest.raises(LimitError):
        replace(settings, **{name: NAN})
    assert replace(settings, **{name: given}) == settings


# names -------------------------------------------------------------------------------------------------------------
UNITS = {
    "v": "volt", "a": "ampere", "w": "watt", "k": "kelvin", "s": "second", "hz": "hertz", "m": "metre", "ohm": "ohm",
    "pa": "pascal", "gy": "gray", "gy_s": "gray per second", "k_per_min": "kelvin per minute", "percent": "percent",
    "a_v": "ampere per volt", "v_per_rthz": "volt per root hertz", "dbvrms": "dB",
}  # fmt: skip
PURE_NUMBERS = {
    "progress": "0 to 1",
    "ratio": "of two voltages",
    "tolerance": "of a ratio",
    "k_tp": "a factor",
    "lags": "how many",
    "nplc": "periods of the mains; the instrument's own word",
    "proportional": "the controller's own word, in no unit",
    "integral": "the controller's own word, in no unit",
}
NAMES_OF_RANGES = {"source_range", "current_range"}
"""What the instrument calls its ranges; the values that are asked for have units."""


UPSTREAM = {"query_delay"}
"""Of a signature that the base class prescribes; not used."""


def has_unit(name):
    return any(name.endswith("_" + unit) for unit in UNITS) or name in {*PURE_NUMBERS, *NAMES_OF_RANGES, *UPSTREAM}


def numbers_of(package):
    """Get the name of every public number of a driver package: parameters, properties, results and fields."""
    module = import_module(f"instruments.{package}")
    for exported in module.__all__:
        kind = getattr(module, exported)
        if not inspect.isclass(kind):
            continue
        if is_dataclass(kind):
            yield from ((exported, each.name) for each in fields(kind) if each.type in (float, float | None))
        for name, member in [("", kind), *own_members(kind).items()]:
            if isinstance(member, property):
                if inspect.signature(member.fget).return_annotation in (float, float | None):
                    yield exported, name
            elif inspect.isfunction(member) or member is kind:
                yield from ((f"{exported}.{name}", each) for each in floats(member))
                if inspect.isfunction(member) and inspect.signature(member).return_annotation is float:
                    yield exported, name


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_number_carries_its_unit_in_its_name(package):
    found = list(numbers_of(package))
    assert found
    assert [(where, name) for where, name in found if not has_unit(name)] == []


@CLASS_PARAMETERS
def test_every_number_an_instrument_answers_is_documented_with_its_unit(driver):
    for name, member in own_members(driver).items():
        if not isinstance(member, property) or inspect.signature(member.fget).return_annotation is not float:
            continue
        unit = next((word for ending, word in UNITS.items() if name.endswith("_" + ending)), PURE_NUMBERS.get(name))
        assert unit in member.__doc__, f"{driver.__name__}.{name}"


@CLASS_PARAMETERS
def test_every_public_member_begins_as_a_driver_says_things(driver):
    assert "verified on hardware" in inspect.getmodule(driver).__doc__.lower()
    for name, member in own_members(driver).items():
        if isinstance(member, property):
            assert re.match("(Get|Control|Set|Measure) ", member.__doc__), f"{driver.__name__}.{name}"
        elif inspect.isfunction(member):
            assert member.__doc__, f"{driver.__name__}.{name}"


FILES = [
    path
    for folder in (*PACKAGES, "wire")
    for path in sorted((Path(instruments.__file__).parent / folder).rglob("*.py"))
]
PROGRAMS = {"accugold/bridge.py"}
"""Run by a person in a terminal of its own."""


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_driver_looks_at_the_clock_of_the_computer_or_prints(path):
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    assert nodes
    called = {node.func.id for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert "print" not in called or f"{path.parent.name}/{path.name}" in PROGRAMS
    imported = {each.name for node in nodes if isinstance(node, ast.Import) for each in node.names}
    imported |= {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    assert "time" not in imported
