"""What the ``[parameters]`` table of each procedure may contain, by the procedure's name."""

from xraydaq.config.recipes.bias_stability import BiasStabilityParameters

PARAMETERS: dict[str, type[BiasStabilityParameters]] = {"bias_stability": BiasStabilityParameters}
"""Procedure name -> model of its parameters."""

ROLES: dict[str, tuple[str, ...]] = {"bias_stability": ("smu",)}
"""Procedure name -> roles its bench must have."""
