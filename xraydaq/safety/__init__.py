"""The way back to a safe bench."""

from xraydaq.safety.way_back import WayBack

__all__ = ["WayBack"]
