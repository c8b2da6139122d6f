"""The Lake Shore 335 as the temperature controller of the stage. NEVER VERIFIED ON HARDWARE."""

from instruments.lakeshore335.driver import LINE, LakeShore335
from instruments.lakeshore335.settings import ControlSettings, HeaterRange, TemperatureReading
from instruments.lakeshore335.stability import StabilityCriterion, StabilityWatch

__all__ = [
    "LINE",
    "ControlSettings",
    "HeaterRange",
    "LakeShore335",
    "StabilityCriterion",
    "StabilityWatch",
    "TemperatureReading",
]
