"""What attenuation, charge yield and gain come to, for energies, layers and beams."""

from collections.abc import Sequence
from dataclasses import dataclass

from xraydaq.analysis.attenuation import KEV_J, Absorber
from xraydaq.analysis.beam_quality import BeamQuality
from xraydaq.analysis.outcome import Result
from xraydaq.analysis.values import Value


@dataclass(frozen=True)
class Carriers:
    """What the gain theory needs: electrode gap, bias, mobility, and a lifetime measured elsewhere."""

    gap_m: float
    bias_v: float
    mobility_m2_vs: float
    lifetime_s: float


@dataclass(frozen=True)
class AtEnergy:
    """One photon energy: coefficient, efficiency and unity-gain sensitivity of each layer, in the order given."""

    energy_j: float
    attenuation: Value
    efficiency: tuple[Value, ...]
    unity_gain: tuple[Value, ...]


@dataclass(frozen=True)
class AtBeam:
    """One beam quality: unity-gain sensitivity of each layer, and the gain of the measured sensitivity over it."""

    quality: BeamQuality
    unity_gain: tuple[Value, ...]
    sensitivity: Value | None = None
    gain: tuple[Value, ...] = ()
    lifetime: tuple[Value, ...] = ()
    """Effective lifetime in s that this gain needs."""


@dataclass(frozen=True, kw_only=True)
class TheoryResult(Result):
    """Attenuation, charge yield and gain; layers in the order of `thicknesses_m`."""

    absorber: Absorber
    thicknesses_m: tuple[float, ...]
    band_gap: Value
    pair_energy: Value
    energies: tuple[AtEnergy, ...]
    beams: tuple[AtBeam, ...]
    transit_time_s: float
    gain_of_lifetime: float
    """Lifetime given, over the transit time."""

    def rows(self) -> list[tuple[str, Value, str]]:
        """Return every number; labels name energy, filter and thickness."""
        rows = [("pair creation energy", self.pair_energy, "eV")]
        for at in self.energies:
            name = f"at {at.energy_j / KEV_J:g} keV"
            length = Value(1 / at.attenuation.value, at.attenuation.u / at.attenuation.value**2, "m")
            rows += [(f"attenuation {name}", at.attenuation, "cm^-1"), (f"attenuation length {name}", length, "um")]
            rows += _per_layer(f"quantum efficiency {name}", self.thicknesses_m, at.efficiency, "%")
            rows += _per_layer(f"S0 {name}", self.thicknesses_m, at.unity_gain, "uC Gy^-1 cm^-2")
        for beam in self.beams:
            name = f"{beam.quality.tube_voltage_v / 1e3:g} kV {beam.quality.total_al_m * 1e3:g} mm Al"
            rows += _per_layer(f"S0 {name}", self.thicknesses_m, beam.unity_gain, "uC Gy^-1 cm^-2")
            rows += _per_layer(f"gain {name}", self.thicknesses_m, beam.gain, "1")
            rows += _per_layer(f"lifetime for this gain {name}", self.thicknesses_m, beam.lifetime, "")
        return rows


def _per_layer(
    label: str, thicknesses_m: Sequence[float], values: Sequence[Value], unit: str
) -> list[tuple[str, Value, str]]:
    return [
        (f"{label} {thickness_m * 1e3:g} mm", value, unit)
        for thickness_m, value in zip(thicknesses_m, values, strict=False)
    ]
