"""The physics behind the simulated instruments: what the bench would measure if it were there."""

from instruments.sim.twin.crystal import Crystal
from instruments.sim.twin.devices import DEVICES, Device
from instruments.sim.twin.world import World

__all__ = ["DEVICES", "Crystal", "Device", "World"]
