"""The experiments, as pymeasure procedures; each is imported when it is asked for."""

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from procedures.base import BenchProcedure


def _class(module: str, name: str) -> "Callable[[], type[BenchProcedure]]":
    def load() -> "type[BenchProcedure]":
        found: type[BenchProcedure] = getattr(import_module(f"procedures.{module}"), name)
        return found

    return load


PROCEDURES = {
    "bias_stability": _class("bias_stability", "BiasStability"),
    "temperature_sweep": _class("temperature_sweep", "TemperatureSweep"),
    "dose_calibration": _class("dose_calibration", "DoseCalibration"),
    "dose_rate_sweep": _class("dose_rate_sweep", "DoseRateSweep"),
    "field_sweep": _class("field_sweep", "FieldSweep"),
    "photoresponse": _class("photoresponse", "Photoresponse"),
    "sclc_sweep": _class("sclc_sweep", "SclcSweep"),
    "noise_spectrum": _class("noise_spectrum", "NoiseSpectrum"),
}
"""Name in a recipe -> loader of the class."""
