"""Examines a bench role by role, before a run: what is wrong, and what to do about it."""

from xraydaq.bench.doctor.check import Check, Verdict
from xraydaq.bench.doctor.examine import examine

__all__ = ["Check", "Verdict", "examine"]
