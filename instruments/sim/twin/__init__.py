"""The physics behind the simulated instruments: what the bench would measure if it were there."""

from instruments.sim.twin.crystal import Crystal
from instruments.sim.twin.devices import DEVICES, Device

__all__ = ["DEVICES", "Crystal", "Device"]
