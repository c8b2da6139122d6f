"""The instruments of one bench: opened, identified, held and closed, by role."""

from xraydaq.bench.drivers import identification
from xraydaq.bench.opening import Answer, OpenBench, identify, open_bench

__all__ = ["Answer", "OpenBench", "identification", "identify", "open_bench"]
