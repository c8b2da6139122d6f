"""What the ``[parameters]`` table of each procedure may contain, by the procedure's name."""

from xraydaq.config.recipes.bias_stability import BiasStabilityParameters
from xraydaq.config.recipes.dose_calibration import DoseCalibrationParameters
from xraydaq.config.recipes.dose_rate_sweep import DoseRateSweepParameters
from xraydaq.config.recipes.field_sweep import FieldSweepParameters
from xraydaq.config.recipes.noise_spectrum import NoiseSpectrumParameters
from xraydaq.config.recipes.parts import ProcedureParameters
from xraydaq.config.recipes.photoresponse import PhotoresponseParameters
from xraydaq.config.recipes.sclc_sweep import SclcSweepParameters
from xraydaq.config.recipes.temperature_sweep import TemperatureSweepParameters

PARAMETERS: dict[str, type[ProcedureParameters]] = {
    "bias_stability": BiasStabilityParameters,
    "dose_calibration": DoseCalibrationParameters,
    "dose_rate_sweep": DoseRateSweepParameters,
    "field_sweep": FieldSweepParameters,
    "noise_spectrum": NoiseSpectrumParameters,
    "photoresponse": PhotoresponseParameters,
    "sclc_sweep": SclcSweepParameters,
    "temperature_sweep": TemperatureSweepParameters,
}
"""Procedure name -> model of its parameters."""
