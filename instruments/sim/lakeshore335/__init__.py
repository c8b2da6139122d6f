"""Simulator of a Lake Shore Model 335 temperature controller (and, for negative tests, 331 and 336) at its bytes.

Commands, ramp and status bits are from the Model 335 User's Manual, the manuals of its sister models and the vendor's
published Python driver; what none of them states is assumed and listed in docs/reference/simulated-lakeshore335.md.
Not verified on hardware.
"""

from instruments.sim.lakeshore335.device import SimLakeShore335
from instruments.sim.lakeshore335.plant import Plant
from instruments.sim.lakeshore335.sensors import SensorFault

__all__ = ["Plant", "SensorFault", "SimLakeShore335"]
