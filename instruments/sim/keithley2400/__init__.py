"""Simulator of a Keithley 2400 SourceMeter at the level of its bytes.

Facts are from the Series 2400 User's Manual (2400S-900-01) and the specification SPEC-2400 unless a comment says
"assumed"; what no public document says is assumed and listed in docs/reference/simulated-keithley2400.md.
"""

from instruments.sim.keithley2400.device import SimKeithley2400

__all__ = ["SimKeithley2400"]
