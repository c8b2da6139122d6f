"""Simulator of an Agilent 35670A dynamic signal analyser at the level of its bytes, for averaged noise spectra.

Facts are from "GPIB Programming with the Agilent 35670A" and the HP 35670A Technical Specifications; what is assumed
is listed in docs/reference/simulated-noise-chain.md.
"""

from instruments.sim.agilent35670a.channel import VoltageSource
from instruments.sim.agilent35670a.device import SimAgilent35670a
from instruments.sim.agilent35670a.instrument import Unit

__all__ = ["SimAgilent35670a", "Unit", "VoltageSource"]
