"""Truths that no single number of the simulated world states: what a result would be of a crystal without noise.

The world of a run is built anew from the truth in its file and asked; nothing here is used by an analysis.
"""

import math
from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from instruments.sim.twin import Crystal
from instruments.sim.twin.devices import Device
from instruments.sim.twin.flicker import FlickerNoise
from instruments.sim.twin.photocurrent import REFERENCE_KERMA_GY_S
from xraydaq.storage import StoredRun

Floats = NDArray[np.float64]

SNR = 3.0
READING_CYCLES_S = 1 / 50.0
FIRST_S, WINDOW_S = 60.0, 60.0
"""The drift metric compares the minute around the first of a bias phase with its last minute."""
STEP_S = 0.1
"""Between the steps of a ramp of the bias."""
EVERY = 10
"""Of the readings of a long dark run so many are one too few to matter: without noise the current is smooth."""
NOISE_WINDOWS = 2000


def device_of(run: StoredRun) -> Device:
    """Get the crystal of a run as it was drawn."""
    found = _crystal(run)
    values = {field.name: found["device" if field.name == "name" else field.name] for field in fields(Device)}
    return Device(**values)


def sensitivity_c_gy_m2(device: Device, dose_rate_gy_s: Floats) -> Floats:
    """Get the sensitivity at each dose rate, at the bias and in the beam that it is stated for."""
    low, reference, scale = device.sensitivity_low_c_gy_m2, device.sensitivity_c_gy_m2, device.dose_scale_gy_s
    full = low + (reference - low) * (1 + scale / REFERENCE_KERMA_GY_S)
    return np.asarray(low + (full - low) / (1 + scale / dose_rate_gy_s), dtype=np.float64)


def slope_c_gy_m2(run: StoredRun) -> float:
    """Get the slope of the line from zero through the currents at the dose rates of a sweep, all weighing the same."""
    wanted = run.header.resolved["recipe"]["parameters"]
    dose_rate_gy_s, _ = run.analyses[max(run.analyses)].curves["dose_rate"]
    dose_rate_gy_s = np.unique(dose_rate_gy_s[dose_rate_gy_s <= wanted["slope_up_to_gy_s"]])
    current = sensitivity_c_gy_m2(device_of(run), dose_rate_gy_s) * dose_rate_gy_s
    return float(dose_rate_gy_s @ current / (dose_rate_gy_s @ dose_rate_gy_s))


def detection_limit_gy_s(run: StoredRun) -> float:
    """Get the dose rate whose settled current is three times what a reading scatters by in a window without beam.

    The noise of the meter, a fortieth of that of these crystals, is left out: 3e-4 of the limit.
    """
    wanted, crystal, device = run.header.resolved["recipe"]["parameters"], _crystal(run), device_of(run)
    readings = math.floor((wanted["half_period_s"] - wanted["discard_duration_s"]) / wanted["period_s"])
    scatter = scatter_in_a_window(
        device.noise_exponent, readings, wanted["period_s"], wanted["nplc"] * READING_CYCLES_S
    )
    scatter_a = crystal["noise_at_bias_a_per_rthz"] * scatter
    spot_m2, limit_gy_s = float(_truth(run)["spot_m2"]), np.array(1e-8)
    for _ in range(20):
        limit_gy_s = SNR * scatter_a / (sensitivity_c_gy_m2(device, limit_gy_s) * spot_m2)
    return float(limit_gy_s)


@cache
def scatter_in_a_window(exponent: float, readings: int, period_s: float, reading_s: float) -> float:
    """Get the rms scatter within a window of readings, of noise of density 1 at 1 Hz: drawn, not computed."""
    noise = FlickerNoise(np.random.default_rng(1), exponent)
    gap_ns, reading_ns = round((period_s - reading_s) * 1e9), round(reading_s * 1e9)
    drawn = np.array([noise.mean(gap_ns, reading_ns) for _ in range(NOISE_WINDOWS * readings)])
    return float(np.sqrt(drawn.reshape(NOISE_WINDOWS, readings).var(axis=1, ddof=1).mean()))


def mean_dark_current_a(run: StoredRun) -> float:
    """Get the mean current under bias of the crystal without noise."""
    time_s, current_a = _dark(run)
    return float(np.trapezoid(current_a, time_s) / np.ptp(time_s))


def drift_metric(run: StoredRun) -> float:
    """Get the change of the current density over field and time, of the crystal without noise."""
    time_s, current_a = _dark(run)
    wanted, sample = run.header.resolved["recipe"]["parameters"], run.header.sample
    since_s = time_s - time_s[0]
    first, last = np.abs(since_s - FIRST_S) <= WINDOW_S / 2, since_s >= since_s[-1] - WINDOW_S
    change_a = current_a[last].mean() - current_a[first].mean()
    span_s = since_s[last].mean() - since_s[first].mean()
    return float(change_a / sample["area_m2"] / (wanted["bias_v"] / sample["gap_m"]) / span_s)


def _dark(run: StoredRun) -> tuple[Floats, Floats]:
    """Bias the crystal without noise as the run did and read it at every tenth of the run's readings under bias."""
    wanted, crystal = run.header.resolved["recipe"]["parameters"], _crystal(run)
    bias_v, steps = wanted["bias_v"], math.ceil(wanted["bias_v"] / (wanted["ramp_rate_v_per_s"] * STEP_S))
    at_bias = run.columns["voltage"] > 0.999 * bias_v
    time_s = run.columns["elapsed"][at_bias][::EVERY]
    ideal = Crystal(device_of(run), seed=0, noise="none", temperature_k=crystal["temperature_k"])
    for step in range(1, steps + 1):
        ideal.set_bias(time_s[0] - STEP_S * (steps - step + 1), bias_v * step / steps)
    reading_s = wanted["nplc"] * READING_CYCLES_S
    current_a = np.array([ideal.mean_current_a(each, each + reading_s) for each in time_s.tolist()])
    return time_s, current_a


def _crystal(run: StoredRun) -> Mapping[str, Any]:
    found: Mapping[str, Any] = _truth(run)["crystal"]
    return found


def _truth(run: StoredRun) -> Mapping[str, Any]:
    assert run.twin_truth is not None
    return run.twin_truth
