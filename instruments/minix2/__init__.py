"""The Amptek Mini-X2 X-ray tube. NEVER VERIFIED ON HARDWARE."""

from instruments.minix2.driver import LINE, MiniX2
from instruments.minix2.warm_up import WarmUpProgress
from instruments.minix2.watch import DARK_WITHIN_S, HV_OFF_WITHIN_S, is_dark

__all__ = ["DARK_WITHIN_S", "HV_OFF_WITHIN_S", "LINE", "MiniX2", "WarmUpProgress", "is_dark"]
