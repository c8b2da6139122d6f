"""Configuration: TOML files with units, checked completely before anything is opened.

A recipe names a sample and a bench. `load_run` reads all three and returns SI values with their origins, or raises one
`ConfigError` with every mistake as ``file:line: key: what was given; what is allowed``.
"""

from xraydaq.config.check import check_file, load_bench
from xraydaq.config.limits import Limit
from xraydaq.config.load import load_run
from xraydaq.config.models import Bench, BenchLimits, Recipe, Role, Sample, TwinSettings
from xraydaq.config.run_config import RunConfig
from xraydaq.config.schema import json_schema
from xraydaq.config.shipped import default_bench, shipped_configs

__all__ = [
    "Bench", "BenchLimits", "Limit", "Recipe", "Role", "RunConfig", "Sample", "TwinSettings",
    "check_file", "default_bench", "json_schema", "load_bench", "load_run", "shipped_configs",
]  # fmt: skip
