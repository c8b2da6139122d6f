"""The three crystals and a glass blank, after a published comparison of surface treatments.

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
    sensitivity_c_gy_m2: float = 0.0
    """At the printed point: 20.3 uGy/s and 5 V over the gap; as an air chamber beside it would state it."""
    sensitivity_low_c_gy_m2: float = 0.0
    """The same towards no dose."""
    dose_scale_gy_s: float = 30e-6  # assumed: where half of the growth with the dose rate is reached
    gap_m: float = 50e-6  # nominal
    field_scale_v_m: float = 1.5e5  # assumed: collection u (1 - exp(-1/u)), u = field / scale
    fast_share: float = 0.92  # assumed, as the times below
    fast_time_s: float = 0.03
    slow_time_s: float = 1.5
    is_air: bool = False
    """No crystal: what is collected follows the air kerma, whatever the beam quality."""
    electrodes: str = "interdigitated"
    """Which of the three kinds of electrodes the numbers above hold for; see `electrodes.py`."""
    injects: bool = False
    """Whether contacts inject carriers, whose current adds to that of the conduction; see `injection.py`."""
    ohmic_conductance_s: float = 0.0
    """Of the channel between injecting contacts at the reference temperature, before its traps are filled."""
    trap_density_per_m2: float = 0.0
    trap_level_ratio: float = 1.0
    """Free carriers at which half of the traps are filled, over the density of the traps: their depth."""
    trap_spread: float = 0.5  # assumed: standard deviation of the logarithm of that ratio; 0 is a single level
    channel_width_m: float = 3e-3  # nominal
    mobility_m2_per_v_s: float = 5e-3  # assumed
    relative_permittivity: float = 32.0  # assumed


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
            sensitivity_c_gy_m2=2.6e3,  # assumed
            sensitivity_low_c_gy_m2=2.1e3,  # assumed
            ohmic_conductance_s=8e-9,  # assumed
            trap_density_per_m2=1.63e14,  # printed
            trap_level_ratio=4e-3,  # assumed
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
            sensitivity_c_gy_m2=4.0e3,  # assumed
            sensitivity_low_c_gy_m2=3.4e3,  # assumed
            ohmic_conductance_s=2e-8,  # assumed
            trap_density_per_m2=5.68e13,  # printed
            trap_level_ratio=3e-3,  # assumed
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
            sensitivity_c_gy_m2=8.0e3,  # printed
            sensitivity_low_c_gy_m2=6.0e3,  # assumed, so that the slope of the sweep is the printed one
            ohmic_conductance_s=2e-9,  # assumed
            trap_density_per_m2=1.8e13,  # printed
            trap_level_ratio=2e-3,  # assumed
        ),
    )
}

GLASS_BLANK = Device(
    name="glass",
    dark_current_298k_a=5e-14,  # assumed, as all of the leakage
    activation_low_j=0.30 * ELECTRONVOLT_J,
    activation_high_j=0.30 * ELECTRONVOLT_J,
    crossover_k=298.0,
    rise_share=0.0,
    rise_time_s=1.0,
    rise_beta=1.0,
    fall_share=0.0,
    fall_time_s=None,
    absorption_1s_a=5e-14,
    noise_1hz_a_per_rthz=1e-17,
    noise_exponent=1.00,
    sensitivity_c_gy_m2=0.16,  # printed: 16 uC/(Gy cm2) at 20.3 uGy/s
    sensitivity_low_c_gy_m2=0.16,
    field_scale_v_m=2e4,  # assumed: the ions of the air are collected above a volt or so
    fast_share=1.0,  # assumed: within milliseconds
    fast_time_s=1e-3,
    is_air=True,
)
"""Electrodes on glass in the place of a crystal: air ionised in the beam, and nothing else."""


def device_of(device: Device | str) -> Device:
    """Get a crystal or the glass blank by its name."""
    if isinstance(device, Device):
        return device
    known = DEVICES | {GLASS_BLANK.name: GLASS_BLANK}
    if device not in known:
        raise ValueError(f"device {device!r} is unknown; allowed are {', '.join(known)}")
    return known[device]
