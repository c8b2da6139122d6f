"""The SRS SR570 current preamplifier, which cannot answer. NEVER VERIFIED ON HARDWARE."""

from instruments.sr570.driver import LINE, Sr570
from instruments.sr570.settings import Identity, Sr570Settings, settling_s
from instruments.sr570.witness import GainWitness

__all__ = ["LINE", "GainWitness", "Identity", "Sr570", "Sr570Settings", "settling_s"]
