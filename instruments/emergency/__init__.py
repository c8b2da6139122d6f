"""Switches tube and source off without drivers: standard library, the bytes of `wire`, and one transport.

For the moments when the rest of the program cannot be relied on. Off is written before anything is asked; nothing here
can switch on. NEVER VERIFIED ON HARDWARE.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Shown:
    """What an instrument showed after it was told to be off; `is_off` only if it said so itself."""

    is_off: bool
    text: str
