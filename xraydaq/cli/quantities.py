"""Text with units on the command line, to SI, and what of it is not one."""

from collections.abc import Sequence

from xraydaq.errors import UnitError


def option_si(option: str, text: str, unit: str, example: str) -> float:
    """Get the SI value of an option's text.

    Raises:
        UnitError: it is no quantity of this unit; the message names option and example.
    """
    from xraydaq.units import parse_quantity

    try:
        return parse_quantity(text, unit, example_unit=example.partition(" ")[2])
    except UnitError as error:
        raise UnitError(f'{option}: {error}; for example {option} "{example}"') from None


def options_si(option: str, texts: Sequence[str], unit: str, example: str) -> list[float]:
    """Get the SI values of an option that may be given several times."""
    return [option_si(option, text, unit, example) for text in texts]
