"""The three crystals, after a published comparison of surface treatments.

Y. Song et al., "Atomistic surface passivation of CH3NH3PbI3 perovskite single crystals for highly sensitive
coplanar-structure X-ray detectors", Research 2020, 5958243.

Each number carries its mark: *printed* in that paper; *nominal*, derived from the printed geometry; *assumed*, a free
choice of the simulation where the paper gives no value.
"""

from dataclasses import dataclass

BOLTZMANN_J_PER_K = 1.380649e-23
ELEMENTARY_CHARGE_C = 1.602176634e-19
ELECTRONVOLT_J = 1.602176634e-19
REFERENCE_TEMPERATURE_K = 298.0
REFERENCE_BIAS_V = 5.0


@dataclass(frozen=True, slots=True)
class Device:
    """One crystal with its electrodes, in SI units."""

    name: str
    dark_current_298k_a: float
    """At the reference bias and temperature, before any ion has moved and without dielectric absorption."""
    activation_low_j: float
    activation_high_j: float
    crossover_k: float
    """Temperature at which both branches of the conductivity are equal."""
    rise_share: float
    """Growth of the ionic current after a bias step, relative to its value at the step."""
    rise_time_s: float
    rise_beta: float
    """Stretching of the rise: 1 - exp(-(t/rise_time)^beta)."""
    fall_share: float
    fall_time_s: float | None
    """None where the ionic current does not fall again."""
    absorption_1s_a: float
    """Dielectric absorption one second after a step by the reference bias; it falls as a power of time."""
    noise_1hz_a_per_rthz: float
    """Density at 1 Hz while the dark current has its reference value."""
    noise_exponent: float
    absorption_exponent: float = 0.8  # assumed
    migration_j: float = 0.30 * ELECTRONVOLT_J  # assumed: activation energy of the rise and fall times
    cell_constant_m: float = 0.0435  # nominal: 29 gaps of 50 um between 50 um fingers, 3 mm long, on a thick crystal


DEVICES = {
    device.name: device
    for device in (
        Device(
            name="untreated",
            dark_current_298k_a=400e-9,  # assumed
            activation_low_j=0.30 * ELECTRONVOLT_J,  # assumed
            activation_high_j=0.984 * ELECTRONVOLT_J,  # printed
            crossover_k=285.0,  # printed
            rise_share=0.9,  # assumed
            rise_time_s=9000.0,  # assumed
            rise_beta=0.7,  # assumed
            fall_share=0.0,  # assumed
            fall_time_s=None,
            absorption_1s_a=6e-9,  # assumed
            noise_1hz_a_per_rthz=8e-10,  # assumed
            noise_exponent=1.10,  # assumed
        ),
        Device(
            name="mai",
            dark_current_298k_a=1.2e-6,  # assumed
            activation_low_j=0.30 * ELECTRONVOLT_J,  # assumed
            activation_high_j=0.814 * ELECTRONVOLT_J,  # printed
            crossover_k=274.0,  # printed
            rise_share=3.0,  # assumed
            rise_time_s=700.0,  # assumed
            rise_beta=1.0,  # assumed
            fall_share=3.4,  # assumed
            fall_time_s=7000.0,  # assumed
            absorption_1s_a=1.5e-8,  # assumed
            noise_1hz_a_per_rthz=2e-9,  # assumed
            noise_exponent=1.15,  # assumed
        ),
        Device(
            name="atomistic",
            dark_current_298k_a=150e-9,  # assumed
            activation_low_j=0.30 * ELECTRONVOLT_J,  # assumed
            activation_high_j=1.784 * ELECTRONVOLT_J,  # printed
            crossover_k=295.0,  # printed
            rise_share=0.004,  # assumed: the paper shows no drift in 800 min
            rise_time_s=12000.0,  # assumed
            rise_beta=1.0,  # assumed
            fall_share=0.0,  # assumed
            fall_time_s=None,
            absorption_1s_a=1.5e-9,  # assumed
            noise_1hz_a_per_rthz=1e-10,  # printed, in order of magnitude, for 1 to 10 Hz
            noise_exponent=1.00,  # printed as 1/f
        ),
    )
}
