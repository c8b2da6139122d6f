"""The settings of the loop as commands, and whether they took."""

from dataclasses import dataclass

from instruments.lakeshore335.link import Link
from instruments.lakeshore335.settings import RELATIVE_RESOLUTION, RESOLUTION, ControlSettings
from instruments.wire.lakeshore335 import INPUTS, format_number, parse_numbers
from xraydaq.errors import InstrumentError

KELVIN = 1  # INTYPE, last field: units of the setpoint (EPICS ip module)
CLOSED_LOOP = 1  # OUTMODE (vendor's driver)


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of an output or input, and how far it may read back off."""

    word: str
    channel: str
    values: tuple[float, ...]
    tolerance: float

    @property
    def command(self) -> str:
        """Get it as a command."""
        return f"{self.word} {self.channel},{','.join(map(format_number, self.values))}"

    def took(self, found: tuple[float, ...]) -> bool:
        """Get whether what was read back is what was set."""
        return all(
            abs(one - value) <= (min(self.tolerance, RELATIVE_RESOLUTION * abs(value)) if value else self.tolerance)
            for one, value in zip(found, self.values, strict=True)
        )


def loop_settings(settings: ControlSettings, output: int, sensor: str, trip_k: float) -> tuple[Setting, ...]:
    """Get everything the loop depends on, the protective limit first."""
    channel = str(output)
    filtering = (int(settings.filter_enabled), settings.filter_points, settings.filter_window_percent)
    pid = (settings.proportional, settings.integral, settings.derivative_percent)
    return (
        Setting("TLIMIT", sensor, (trip_k,), RESOLUTION["temperature"]),
        Setting("FILTER", sensor, filtering, 0.5),  # read back as whole numbers
        Setting("OUTMODE", channel, (CLOSED_LOOP, INPUTS.index(sensor) + 1, 0), 0.0),
        Setting("PID", channel, pid, RESOLUTION["pid"]),
        Setting("MOUT", channel, (0.0,), RESOLUTION["percent"]),
    )


def check_units(link: Link, sensor: str) -> None:
    """See that setpoints are in kelvin.

    Raises:
        InstrumentError: they are not.
    """
    reply = link.query(f"INTYPE? {sensor}")[0]
    if parse_numbers(reply, 5)[-1] != KELVIN:
        raise InstrumentError(f"{link.name}: the setpoint is not in kelvin (INTYPE {reply}); set the input to kelvin")


def check_taken(link: Link, setting: Setting) -> None:
    """Read a setting back.

    Raises:
        InstrumentError: it is another one.
    """
    reply = link.query(f"{setting.word}? {setting.channel}")[0]
    if not setting.took(parse_numbers(reply, len(setting.values))):
        raise InstrumentError(f"{link.name}: {setting.command} did not take; it reads back as {reply}")
