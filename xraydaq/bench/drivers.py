"""Which driver class stands behind each driver's name, and what of the bench file it is given."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from instruments.connect import Line
from instruments.wire.minix2.usb import PRODUCT, VENDOR
from xraydaq.clock import Clock
from xraydaq.config import Bench, Role

if TYPE_CHECKING:
    from pymeasure.adapters.adapter import Adapter

    from instruments.accugold import Air


class Identity(Protocol):
    """What an instrument says of itself."""

    @property
    def manufacturer(self) -> str:
        """Get the maker."""

    @property
    def model(self) -> str:
        """Get the model."""

    @property
    def serial(self) -> str:
        """Get the serial number."""

    @property
    def firmware(self) -> str:
        """Get the firmware version."""


def identification(identity: Identity) -> str:
    """Get an identity as ``*IDN?`` would spell it."""
    return ",".join((identity.manufacturer, identity.model, identity.serial, identity.firmware))


class Instrument(Protocol):
    """What every driver offers; the rest is of its kind."""

    def identify(self) -> Identity:
        """Ask the instrument who it is."""

    def settings(self) -> dict[str, str]:
        """Get a snapshot of its settings; changes nothing."""

    def safe_off(self) -> None:
        """Switch off what can be dangerous and verify it."""

    def close(self) -> None:
        """Close the connection."""


@runtime_checkable
class BeamSource(Protocol):
    """What else a tube offers, and its guardian."""

    def is_dark(self) -> bool:
        """Tell whether nothing is shown to be on."""


@dataclass(frozen=True)
class Opening:
    """What a driver is made of; `max_bias_v` is the tightest limit of the run, or of the bench without one."""

    adapter: "Adapter"
    clock: Clock
    bench: Bench
    max_bias_v: float


@dataclass(frozen=True)
class Kind:
    """How a driver is opened."""

    line: Line
    make: Callable[[Opening], Instrument]


def kind_of(driver: str) -> Kind:
    """Get how the driver of this name is opened; its package is imported now."""
    return _KINDS[driver]()


def _keithley2400() -> Kind:
    from instruments.keithley2400 import LINE, Keithley2400

    return Kind(
        LINE, lambda opening: Keithley2400(opening.adapter, clock=opening.clock, max_bias_v=opening.max_bias_v)
    )


def _minix2() -> Kind:
    from instruments.minix2 import LINE, MiniX2

    def make(opening: Opening) -> Instrument:
        limits = opening.bench.limits
        return MiniX2(
            opening.adapter,
            clock=opening.clock,
            max_voltage_v=stated(limits.max_tube_voltage_v),
            max_current_a=stated(limits.max_tube_current_a),
            max_power_w=stated(limits.max_tube_power_w),
        )

    return Kind(LINE, make)


def _accugold() -> Kind:
    from instruments.accugold import LINE, BridgeDosimeter

    return Kind(
        LINE,
        lambda opening: BridgeDosimeter(opening.adapter, clock=opening.clock, reference=reference_air(opening.bench)),
    )


def _sr570() -> Kind:
    from instruments.sr570 import LINE, Sr570

    return Kind(LINE, lambda opening: Sr570(opening.adapter, clock=opening.clock, max_bias_v=opening.max_bias_v))


def _agilent35670a() -> Kind:
    from instruments.agilent35670a import LINE, Agilent35670A

    return Kind(LINE, lambda opening: Agilent35670A(opening.adapter, clock=opening.clock))


def _lakeshore335() -> Kind:
    from instruments.lakeshore335 import LINE, LakeShore335

    def make(opening: Opening) -> Instrument:
        limit_k = stated(opening.bench.limits.max_temperature_k)
        return LakeShore335(opening.adapter, clock=opening.clock, max_temperature_k=limit_k)

    return Kind(LINE, make)


def reference_air(bench: Bench) -> "Air | None":
    """Get the reference conditions of the chamber's certificate, None if the bench file does not state them."""
    from instruments.accugold import Air

    stated = bench.dosimeter
    if stated is None or stated.reference_temperature_k is None or stated.reference_pressure_pa is None:
        return None
    return Air(stated.reference_temperature_k, stated.reference_pressure_pa)


def tube_serial_on_usb(role: Role) -> str | None:
    """Get the serial number of a tube on its own USB connection, None for any other instrument or cable.

    Spectrometers of the maker have the same USB numbers and no serial number that USB knows: VISA could not tell them
    apart, so such a resource is opened by what the devices say of themselves.
    """
    found = _USB_RAW.fullmatch(role.resource)
    if role.driver != "minix2" or found is None:
        return None
    return found["serial"] if (int(found["vendor"], 0), int(found["product"], 0)) == (VENDOR, PRODUCT) else None


def stated(limit: float | None) -> float:
    """Get a limit that the configuration's checks have made sure of; nan, which no value passes, if they had not."""
    return float("nan") if limit is None else limit


_NUMBER = r"0[xX][0-9a-fA-F]{1,4}|[1-9]\d{0,4}"
_USB_RAW = re.compile(
    rf"USB\d*::(?P<vendor>{_NUMBER})::(?P<product>{_NUMBER})::(?P<serial>[^:]+)(::\d+)?::RAW", re.IGNORECASE
)

_KINDS: dict[str, Callable[[], Kind]] = {
    "keithley2400": _keithley2400,
    "minix2": _minix2,
    "accugold": _accugold,
    "sr570": _sr570,
    "agilent35670a": _agilent35670a,
    "lakeshore335": _lakeshore335,
}
