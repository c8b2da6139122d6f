"""The Agilent 35670A as an analyser of noise density. NEVER VERIFIED ON HARDWARE."""

from instruments.agilent35670a.driver import LINE, Agilent35670A
from instruments.agilent35670a.settings import NoiseSettings
from instruments.agilent35670a.spectrum import Spectrum

__all__ = ["LINE", "Agilent35670A", "NoiseSettings", "Spectrum"]
