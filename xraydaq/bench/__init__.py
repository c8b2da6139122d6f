"""The instruments of one bench: opened, identified, held and closed, by role."""

from xraydaq.bench.asking import Answer, identify
from xraydaq.bench.drivers import identification
from xraydaq.bench.opening import OpenBench, open_bench

__all__ = ["Answer", "OpenBench", "identification", "identify", "open_bench"]
