"""How values leave the instrument (GPIB Programming, chapter on data formats)."""

import numpy as np
from numpy.typing import NDArray

REAL_DIGITS = 12


def integer(value: int) -> str:
    """Write a signed integer."""
    return f"{value:+d}"


def flag(value: bool) -> str:
    """Write a boolean."""
    return integer(int(value))


def real(value: float, digits: int = REAL_DIGITS) -> str:
    """Write a real number of so many digits, with three digits of exponent."""
    mantissa, exponent = f"{value:+.{digits - 1}E}".split("E")
    return f"{mantissa}E{int(exponent):+04d}"


def string(value: str) -> str:
    """Write a string."""
    return f'"{value}"'


def numbers(values: NDArray[np.float64], data_format: tuple[str, int]) -> bytes:
    """Write a trace: comma-separated text, or a definite block of big-endian reals."""
    kind, length = data_format
    if kind == "ASC":
        return ",".join(real(float(value), length) for value in values).encode()
    body = values.astype(">f8" if length == 64 else ">f4").tobytes()
    count = str(len(body))
    return f"#{len(count)}{count}".encode() + body
