"""The right to speak with an instrument outside this program, held by one process at a time."""

from xraydaq.safety.locks import held

__all__ = ["held"]
