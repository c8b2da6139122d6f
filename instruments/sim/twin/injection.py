"""Carriers that ohmic contacts inject into a gap, and the traps that hold them back.

The charge that a voltage puts on the capacitance of the gap is shared between free carriers and traps; the balance is
solved numerically. Capacitance per area of a planar gap: J. A. Geurst, Phys. Status Solidi 15 (1966) 107, with the
elementary charge. Occupation of traps: M. A. Lampert, P. Mark, Current Injection in Solids (1970). Diffusion from the
contacts is left out.
"""

import math
from functools import lru_cache

import numpy as np

from instruments.sim.twin.devices import ELEMENTARY_CHARGE_C, Device

VACUUM_F_PER_M = 8.8541878128e-12
REACH, STEP = 6.0, 0.5
"""The levels: standard deviations to either side of the middle one, and from one to the next."""
CLOSE_ENOUGH = 1e-13
TRIES = 500


class Injection:
    """Current of the injected carriers over a bias, odd in it and instantaneous."""

    def __init__(self, device: Device) -> None:
        gap_m, width_m = device.gap_m, device.channel_width_m
        self.charge_per_m2_v = _charge_per_m2_v(device)
        self._drift_a_m2_per_v = ELEMENTARY_CHARGE_C * device.mobility_m2_per_v_s * width_m / gap_m
        spread = device.trap_spread
        if not 0 <= spread <= 3:
            raise ValueError(f"spread of the trap levels {spread} is outside 0 to 3")
        deviations = np.arange(-REACH, REACH + STEP / 2, STEP) if spread > 0 else np.zeros(1)
        weights = np.exp(-(deviations**2) / 2)
        self._traps_per_m2 = device.trap_density_per_m2 * weights / weights.sum()
        self._levels_per_m2 = device.trap_density_per_m2 * device.trap_level_ratio * np.exp(spread * deviations)
        self.free_per_m2 = lru_cache(maxsize=1024)(self._free_per_m2)

    def current_a(self, bias_v: float) -> float:
        """Get the current at a bias."""
        return self._drift_a_m2_per_v * self.free_per_m2(abs(bias_v)) * bias_v

    def slope_s(self, bias_v: float) -> float:
        """Get its slope."""
        free = self.free_per_m2(abs(bias_v))
        grows = self.charge_per_m2_v / self._held_slope(free)
        return self._drift_a_m2_per_v * (free + grows * abs(bias_v))

    def _free_per_m2(self, bias_v: float) -> float:
        """Get the free carriers at a bias from 0 V on.

        Free and held carriers grow ever slower with the free ones, so Newton's steps from zero never go too far.
        """
        charge, free = self.charge_per_m2_v * bias_v, 0.0
        for _ in range(TRIES):
            held = float(np.sum(self._traps_per_m2 * free / (free + self._levels_per_m2)))
            step = (charge - free - held) / self._held_slope(free)
            free += step
            if abs(step) <= CLOSE_ENOUGH * free:
                return free
        raise ArithmeticError(f"no balance of charges found at {bias_v} V")

    def _held_slope(self, free: float) -> float:
        """Get the growth of all carriers over that of the free ones."""
        levels = self._levels_per_m2
        return 1 + float(np.sum(self._traps_per_m2 * levels / (free + levels) ** 2))


def filling_voltage_v(device: Device) -> float:
    """Get the voltage whose charge fills all traps."""
    return device.trap_density_per_m2 / _charge_per_m2_v(device)


def _charge_per_m2_v(device: Device) -> float:
    """Get the carriers per area and volt that the gap holds, crystal on both sides of its plane."""
    farad_per_m2 = 4 * VACUUM_F_PER_M * device.relative_permittivity / (math.pi * device.gap_m)
    return farad_per_m2 / ELEMENTARY_CHARGE_C
