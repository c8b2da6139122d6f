"""Simulator of an Amptek Mini-X2 tube controller at the level of its bytes.

Facts are from the Amptek Digital Products Programmer's Guide, revision B3, unless a comment says "assumed"; what no
public document says is assumed and listed in docs/reference/simulated-minix2.md.
"""

from instruments.sim.minix2.device import SimMiniX2
from instruments.sim.minix2.output import BeamEvent, TubeHead, Worst
from instruments.sim.minix2.unit import WARM_UP_4W, WARM_UP_10W, TubeTable, Unit, tube_table, warm_up_table

__all__ = [
    "WARM_UP_4W",
    "WARM_UP_10W",
    "BeamEvent",
    "SimMiniX2",
    "TubeHead",
    "TubeTable",
    "Unit",
    "Worst",
    "tube_table",
    "warm_up_table",
]
