"""Simulator of a Stanford Research Systems SR570 current preamplifier at the level of its bytes and its output.

Facts are from the SR570 manual and data sheet as public drivers transcribe them; what is assumed is listed in
docs/reference/simulated-noise-chain.md.
"""

from instruments.sim.sr570.device import SimSr570
from instruments.sim.sr570.output import CurrentSource
from instruments.sim.sr570.state import RESET, State

__all__ = ["RESET", "CurrentSource", "SimSr570", "State"]
