"""Members of pymeasure's Keithley 2400 that must not be used here, and what to use instead.

``:MEAS`` switches the output on and puts range, integration time and compliance back to defaults (Series 2400
SourceMeter User's Manual, 2400S-900-01, signal oriented commands); levels set there know no limit; trigger counts and
formats set there make readings unreadable here.
"""

import re
from collections.abc import Callable
from typing import NoReturn, TypeVar

from xraydaq.errors import Refused

T = TypeVar("T", bound=type)

_GROUPS = {
    "configure() once, then read()": (
        "current voltage resistance measure_all measure_current measure_voltage measure_resistance"
    ),
    "bias_v, which knows the limit": (
        "source_voltage source_current apply_voltage apply_current ramp_to_voltage ramp_to_current"
    ),
    "output_enabled or safe_off()": "source_enabled enable_source disable_source",
    "configure()": (
        "source_mode source_delay source_delay_auto source_delay_auto_enabled auto_range_source "
        "source_voltage_range source_voltage_range_auto_enabled "
        "source_current_range source_current_range_auto_enabled "
        "auto_output_off auto_output_off_enabled auto_zero auto_zero_enabled auto_zero_once "
        "filter_enabled filter_state filter_type filter_count repeat_filter_enabled "
        "current_range current_range_auto_enabled current_nplc compliance_current "
        "voltage_range voltage_range_auto_enabled voltage_nplc compliance_voltage "
        "resistance_range resistance_range_auto_enabled resistance_nplc resistance_mode_auto_enabled "
        "wires line_frequency line_frequency_auto line_frequency_auto_enabled reset reset_data_format"
    ),
    "burst(), sweep() or linear_sweep()": (
        "buffer_points config_buffer is_buffer_full wait_for_buffer buffer_data start_buffer reset_buffer stop_buffer "
        "disable_buffer means maximums minimums standard_devs mean_current mean_voltage mean_resistance max_current "
        "max_voltage max_resistance min_current min_voltage min_resistance std_current std_voltage std_resistance "
        "arm_count arm_source arm_timer arm_input_line arm_output_line arm_output_event trigger trigger_count "
        "trigger_delay trigger_source trigger_input_line trigger_output_line trigger_output_event clear_trigger "
        "reset_trigger trigger_on_bus trigger_on_external trigger_immediately sample_continuously set_trigger_counts "
        "set_timed_arm disable_output_trigger disable_output_triggers output_trigger_on_external"
    ),
    "read_errors()": "clear error next_error check_errors check_get_errors check_set_errors",
    "resynchronise()": "read_bytes write_bytes binary_values read_binary_values write_binary_values",
    "the front panel, with the output off": (
        "front_terminals_enabled use_front_terminals use_rear_terminals output_off_state"
    ),
    "beep()": "triad",
}
CLOSED = {name: instead for instead, names in _GROUPS.items() for name in names.split()}

_DISPLAY_OR_BEEP = re.compile(r":(DISP(LAY)?(:[A-Z]+)*|SYST(EM)?:BEEP(ER)?) [^;?]*", re.IGNORECASE)
_QUERY = re.compile(r"(?!:?(MEAS|CONF|READ|FETC|INIT))[:*]?[A-Z][A-Z0-9:]*\?( [A-Z0-9, ]+)?", re.IGNORECASE)


class ClosedMember(Refused, AttributeError):
    """A member of the base class that is closed in this driver."""


class _Closed:
    """Takes the place of a member: reading, calling, and setting it raise."""

    def __init__(self, name: str, instead: str) -> None:
        self._name, self._instead = name, instead

    def __get__(self, instance: object, owner: type | None = None) -> "_Closed":
        if instance is not None:
            self._refuse()
        return self

    def __set__(self, instance: object, value: object) -> None:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise ClosedMember(f"Keithley 2400: {self._name} is closed in this program; use {self._instead}")


def closing(members: dict[str, str]) -> Callable[[T], T]:
    """Close `members` (name and what to use instead) of a class."""

    def close(cls: T) -> T:
        for name, instead in members.items():
            setattr(cls, name, _Closed(name, instead))
        return cls

    return close


def check_raw_write(command: str) -> None:
    """Let through what changes the display or beeps, and nothing else.

    Raises:
        Refused: a command of any other kind.
    """
    if _DISPLAY_OR_BEEP.fullmatch(command) is None:
        raise Refused(
            f"Keithley 2400: {command!r} may not be sent past the driver; limits and settings would not hold"
        )


def check_raw_query(command: str) -> None:
    """Let through one query that only reads a setting.

    Raises:
        Refused: several commands, or one that triggers a measurement.
    """
    if _QUERY.fullmatch(command) is None:
        raise Refused(f"Keithley 2400: {command!r} is not a plain query; measure with configure() and read()")
