"""Crystals and benches whose true parameters nobody knows: drawn around the known ones, from one seed.

Shares are lognormal, differences normal, both cut at 2.5 standard deviations, so that what is drawn can still be
measured on this bench. All spreads are assumed. What is drawn is part of the truth of a run.
"""

import math
from dataclasses import dataclass, replace

from instruments.sim.twin.devices import Device, device_of
from instruments.sim.twin.stage import StageParameters
from instruments.sim.twin.streams import stream

FARTHEST = 2.5
SHARES = {
    "activation_low_j": 0.05,
    "activation_high_j": 0.05,
    "dark_current_298k_a": 0.20,
    "rise_share": 0.15,
    "rise_time_s": 0.15,
    "fall_share": 0.10,
    "absorption_1s_a": 0.20,
    "noise_1hz_a_per_rthz": 0.10,
    "dose_scale_gy_s": 0.20,
    "field_scale_v_m": 0.15,
    "slow_time_s": 0.15,
    "fast_time_s": 0.15,
    "trap_density_per_m2": 0.20,
    "trap_level_ratio": 0.30,
    "ohmic_conductance_s": 0.20,
    "relative_permittivity": 0.09,
}
"""Of a device, relative; the noise density in amperes, so that of its power is twice that."""

SENSITIVITY, NONLINEARITY = 0.10, 0.25
"""Of both sensitivities, and of the step between them."""

CROSSOVER_K, NOISE_EXPONENT, FAST_SHARE = 3.0, 0.05, 0.015
LOWEST_EXPONENT, HIGHEST_EXPONENT = 0.9, 1.3
GAP, CELL = 0.06, 0.025
FINGERS_PER_GAP = -0.72
"""Exponent of the cell constant over the gap at a fixed pitch of the fingers: 0.465, 0.5 and 0.537 of their length
per gap for 55, 50 and 45 of 100 um; from the conformal map of a thick crystal."""


@dataclass(frozen=True, slots=True)
class Unknowns:
    """What is not exactly as it is written at a bench; the defaults are what is written."""

    aperture_area_factor: float = 1.0
    """Area of the beam's hole over that of a circle of 2 mm."""
    penumbra_factor: float = 1.0
    """Dose that the crystal gets through the hole over what a sharp edge would let through."""
    chamber_factor: float = 1.0
    """What the ion chamber shows over what is true, as calibrated."""
    beam_quality_factor: float = 1.0
    """The same, since this beam is not the one that it was calibrated in."""
    field_factor: float = 1.0
    """The same, since it averages the beam over its volume."""
    tube_output_factor: float = 1.0
    sensor_offset_k: float = 0.0
    """What the stage's sensor shows too much at room temperature."""
    sensor_slope: float = 0.0
    """The same per kelvin above it."""
    smu_gain_error: float = 1e-4
    smu_offset_share: float = 0.2
    """Of the specified offset of each range."""

    @property
    def chamber_response(self) -> float:
        """Get what the chamber shows over the true kerma rate on the axis."""
        return self.chamber_factor * self.beam_quality_factor * self.field_factor

    @property
    def spot_factor(self) -> float:
        """Get the effective area of the beam on the crystal over the written one."""
        return self.aperture_area_factor * self.penumbra_factor


def drawn_unknowns(seed: int) -> Unknowns:
    """Draw a bench; the same for all devices of a seed.

    The tube gives as much less as the chamber shows too much: a dose calibration by this chamber reads as usual and
    holds its errors. The sensor was adjusted to the crystal of a usual stage, to half a per cent of its scale.
    """
    draw = _Draw(seed, "bench")
    found = Unknowns(
        aperture_area_factor=draw.share("aperture area", 0.02),
        penumbra_factor=draw.within("penumbra", 0.03),
        chamber_factor=draw.share("chamber", 0.02),
        beam_quality_factor=draw.within("beam quality", 0.02),
        field_factor=draw.share("field", 0.006),
        sensor_offset_k=0.3 * draw.normal("sensor"),
        sensor_slope=0.005 * draw.normal("sensor slope") - StageParameters().crystal_lead_per_k,
        smu_gain_error=1e-4 * draw.normal("smu gain"),
        smu_offset_share=0.3 * draw.normal("smu offset"),
    )
    return replace(found, tube_output_factor=1 / found.chamber_response)


def drawn_device(name: str, seed: int) -> Device:
    """Draw a crystal around the named one, between fingers; the glass blank is drawn as well."""
    device = device_of(name)
    draw = _Draw(seed, f"device {device.name}")
    shares = {field: getattr(device, field) * draw.share(field, spread) for field, spread in SHARES.items()}
    if device.fall_time_s is not None:
        shares["fall_time_s"] = device.fall_time_s * draw.share("fall_time_s", 0.10)
    sensitivity = device.sensitivity_c_gy_m2 * draw.share("sensitivity", SENSITIVITY)
    missing = 1 - device.sensitivity_low_c_gy_m2 / device.sensitivity_c_gy_m2
    gap = draw.share("gap", GAP)
    exponent = device.noise_exponent + NOISE_EXPONENT * draw.normal("noise exponent")
    return replace(
        device,
        **shares,
        sensitivity_c_gy_m2=sensitivity,
        sensitivity_low_c_gy_m2=sensitivity * (1 - missing * draw.share("nonlinearity", NONLINEARITY)),
        crossover_k=device.crossover_k + CROSSOVER_K * draw.normal("crossover"),
        noise_exponent=min(max(exponent, LOWEST_EXPONENT), HIGHEST_EXPONENT),
        fast_share=min(device.fast_share + FAST_SHARE * draw.normal("fast share"), 1.0),
        gap_m=device.gap_m * gap,
        cell_constant_m=device.cell_constant_m * gap**FINGERS_PER_GAP * draw.share("cell constant", CELL),
    )


@dataclass(frozen=True, slots=True)
class _Draw:
    """Draws by name, so that a name that is added leaves the others as they were."""

    seed: int
    whose: str

    def normal(self, name: str) -> float:
        """Get a normal number that is not too far out."""
        rng = stream(self.seed, f"drawn {self.whose}: {name}")
        while not abs(value := float(rng.standard_normal())) <= FARTHEST:
            pass
        return value

    def within(self, name: str, share: float) -> float:
        """Get a factor that lies anywhere within a share of 1."""
        return 1 + float(stream(self.seed, f"drawn {self.whose}: {name}").uniform(-share, share))

    def share(self, name: str, spread: float) -> float:
        """Get a factor around 1 of a relative spread."""
        return math.exp(spread * self.normal(name))
