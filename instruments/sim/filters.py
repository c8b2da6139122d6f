"""The filter holder of a simulated bench: what hangs in the beam, and how thick it really is.

A person changes the filters: there is no cable. Foils differ from their label by up to a tolerance that is assumed.
"""

import math

from instruments.sim.twin.streams import stream

THICKEST_M = 0.1


class SimFilterHolder:
    """Holds one stack of aluminium at a time. The same label is always the same piece of metal."""

    def __init__(self, *, seed: int, tolerance: float = 0.01) -> None:
        if not 0 <= tolerance < 1:
            raise ValueError(f"tolerance {tolerance} is not a share from 0 to 1")
        self._seed = seed
        self._tolerance = tolerance
        self._mounted_m = 0.0
        self._used_m: set[float] = set()
        self.changes = 0
        """How often the stack was changed."""

    @property
    def mounted_m(self) -> float:
        """Control the thickness on the label of what is mounted, in metre; 0 is an empty holder."""
        return self._mounted_m

    @mounted_m.setter
    def mounted_m(self, thickness_m: float) -> None:
        _check(thickness_m)
        self.changes += not math.isclose(thickness_m, self._mounted_m, rel_tol=0, abs_tol=1e-9)
        self._mounted_m = thickness_m
        self._used_m.add(thickness_m)

    @property
    def true_m(self) -> float:
        """Get the thickness of the metal in the beam."""
        return self.true_thickness_m(self._mounted_m)

    def true_thickness_m(self, nominal_m: float) -> float:
        """Get how thick the piece with this label is."""
        _check(nominal_m)
        deviation = stream(self._seed, f"filter {round(nominal_m * 1e9)} nm").uniform(
            -self._tolerance, self._tolerance
        )
        return nominal_m * (1 + float(deviation))

    def truth(self) -> dict[str, object]:
        """Get what hangs in the beam, and every piece that has, for the record of a run."""
        pieces = {f"{nominal_m:g}": self.true_thickness_m(nominal_m) for nominal_m in sorted(self._used_m)}
        return {"mounted_m": self.mounted_m, "true_m": self.true_m, "true_thickness_m_of": pieces}


def _check(thickness_m: float) -> None:
    if not 0 <= thickness_m <= THICKEST_M:
        raise ValueError(f"filter of {thickness_m} m: the holder takes 0 to {THICKEST_M} m")
