"""The same crystal between other electrodes: what of it an instrument gets to see.

``interdigitated``: 30 fingers for radiation, 29 gaps of 50 um. ``single_gap``: one gap of 50 um between strips of
500 um, 3 mm long, for conductivity. ``injecting_gap``: a channel of 50 um by 3 mm between ohmic contacts that inject,
for the density of its traps. Assumed: no beam reaches the last two; their photocurrent is zero.
"""

from dataclasses import replace

from instruments.sim.twin.devices import REFERENCE_BIAS_V, Device

INTERDIGITATED, SINGLE_GAP, INJECTING_GAP = "interdigitated", "single_gap", "injecting_gap"
KINDS = (INTERDIGITATED, SINGLE_GAP, INJECTING_GAP)
SINGLE_GAP_SHARE = 4.23e-3 / 0.0435
"""Cell constant of one gap between strips of 500 um over that of the fingers; from their conformal maps, nominal."""


def with_electrodes(device: Device, kind: str) -> Device:
    """Get a crystal that is known between fingers with electrodes of a kind; the glass blank stays what it is."""
    if kind not in KINDS:
        raise ValueError(f"electrodes {kind!r} are unknown; allowed are {', '.join(KINDS)}")
    if device.electrodes != INTERDIGITATED:
        raise ValueError(f"device {device.name!r} has electrodes already: {device.electrodes}")
    if kind == INTERDIGITATED or device.is_air:
        return device
    return _single_gap(device) if kind == SINGLE_GAP else _injecting_gap(_single_gap(device))


def _single_gap(device: Device) -> Device:
    """Every current follows the cell constant, and so does its noise: relative to the current it is the same."""
    return replace(
        _scaled(device, SINGLE_GAP_SHARE),
        electrodes=SINGLE_GAP,
        cell_constant_m=device.cell_constant_m * SINGLE_GAP_SHARE,
        absorption_1s_a=device.absorption_1s_a * SINGLE_GAP_SHARE,
        sensitivity_c_gy_m2=0.0,
        sensitivity_low_c_gy_m2=0.0,
    )


def _injecting_gap(device: Device) -> Device:
    """Assumed: between these contacts everything is instantaneous; the ohmic part has a conductance of its own."""
    ohmic_a = device.ohmic_conductance_s * REFERENCE_BIAS_V
    return replace(
        _scaled(device, ohmic_a / device.dark_current_298k_a),
        dark_current_298k_a=ohmic_a,
        electrodes=INJECTING_GAP,
        injects=True,
        rise_share=0.0,
        rise_beta=1.0,
        fall_share=0.0,
        fall_time_s=None,
        absorption_1s_a=0.0,
    )


def _scaled(device: Device, factor: float) -> Device:
    return replace(
        device,
        dark_current_298k_a=device.dark_current_298k_a * factor,
        noise_1hz_a_per_rthz=device.noise_1hz_a_per_rthz * factor,
    )
