"""How replies are written."""


def reading(value: float) -> str:
    """Write sign and six digits: ``+273.150``, ``+0.00000``."""
    whole_digits = max(1, len(str(int(abs(value)))))
    return f"{value:+.{max(6 - whole_digits, 0)}f}"


def fixed(value: float, decimals: int) -> str:
    """Write a signed number with a fixed number of decimals."""
    return f"{value:+.{decimals}f}"


def register(bits: int) -> str:
    """Write a register as three digits."""
    return f"{bits:03d}"
