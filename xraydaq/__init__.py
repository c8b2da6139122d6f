"""Instrument control, storage and analysis for a semiconductor X-ray detector bench."""

__version__ = "0.1.0"
