"""Personalities: what distinguishes the models that share the command set."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Model:
    """One model of the family."""

    identity: str
    inputs: tuple[str, ...]
    outputs: tuple[int, ...]
    numbers_heaters: bool = True
    """Whether RANGE, HTR? and HTRST? name the output; the 331 has one heater and does not."""
    queries_per_line: int = 64
    longest_line: int = 255


MODELS = {
    "335": Model("LSCI,MODEL335,1234567/1234567,1.0", ("A", "B"), (1, 2)),
    "336": Model("LSCI,MODEL336,1234567/1234567,1.0", ("A", "B", "C", "D"), (1, 2, 3, 4)),
    "331": Model(
        "LSCI,MODEL331S,123456,1.0", ("A", "B"), (1, 2), numbers_heaters=False, queries_per_line=1, longest_line=64
    ),
}
