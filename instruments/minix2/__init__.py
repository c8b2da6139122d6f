"""The Amptek Mini-X2 X-ray tube. NEVER VERIFIED ON HARDWARE."""

from instruments.minix2.driver import LINE, MiniX2
from instruments.minix2.warm_up import WarmUpProgress

__all__ = ["LINE", "MiniX2", "WarmUpProgress"]
