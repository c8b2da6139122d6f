"""How numbers leave the instrument (User's Manual, section 18: FORMat subsystem)."""

import struct
from collections.abc import Sequence

from instruments.sim.keithley2400.settings import ELEMENTS, FUNCTIONS, Settings

NOT_AVAILABLE, OVERFLOW = 9.91e37, 9.9e37


def element(value: float) -> str:
    """Write a reading element: sign, seven digits, two digits of exponent."""
    return f"{value:+.6E}"


def setting(value: float) -> str:
    """Write a numeric setting: as an element, without a plus."""
    return f"{value:.6E}"


def flag(value: bool) -> str:
    """Write a boolean."""
    return "1" if value else "0"


def names(functions: tuple[str, ...]) -> str:
    """Write the list of measure functions."""
    full = {"VOLT": "VOLT:DC", "CURR": "CURR:DC", "RES": "RES"}
    return ",".join(f'"{full[name]}"' for name in FUNCTIONS if name in functions)


def rows(readings: Sequence[tuple[float, ...]], settings: Settings) -> bytes:
    """Write readings (all five elements each): always in the order V, I, R, time, status."""
    wanted = [index for index, name in enumerate(ELEMENTS) if name in settings.elements]
    values = [reading[index] for reading in readings for index in wanted]
    if settings.data_format == "ASC":
        return ",".join(map(element, values)).encode()
    order = ">" if settings.byte_order == "NORM" else "<"
    return b"#0" + struct.pack(f"{order}{len(values)}f", *values)


def register(value: int, register_format: str) -> str:
    """Write a status register in the chosen base."""
    bases = {"ASC": f"{value}", "HEX": f"#H{value:X}", "OCT": f"#Q{value:o}", "BIN": f"#B{value:b}"}
    return bases[register_format]
