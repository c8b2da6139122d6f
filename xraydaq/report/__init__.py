"""What a person reads: tables and figures of evaluated runs."""

from xraydaq.report.files import save

__all__ = ["save"]
