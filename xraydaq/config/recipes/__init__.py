"""What the ``[parameters]`` table of each procedure may contain, by the procedure's name."""

from xraydaq.config.recipes.bias_stability import BiasStabilityParameters
from xraydaq.config.recipes.parts import ProcedureParameters

PARAMETERS: dict[str, type[ProcedureParameters]] = {"bias_stability": BiasStabilityParameters}
"""Procedure name -> model of its parameters."""
