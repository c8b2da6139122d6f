"""Shelf stability: the runs of the programme's dates as one trend."""

from dataclasses import replace

import numpy as np

from xraydaq.analysis.trend import TrendResult, evaluate
from xraydaq.analysis.values import NotEnoughData
from xraydaq.errors import ConfigError
from xraydaq.evaluation.sensitivity import sensitivity_in
from xraydaq.reproduce.measured import Measured
from xraydaq.reproduce.programme import HOUR_S

KEY = "shelf"


def with_trend(measured: Measured) -> Measured:
    """Add what the trend of the dates says; nothing is added where there are too few runs."""
    result = trend_of(measured)
    if result is None:
        return measured
    return replace(measured, more={**measured.more, KEY: result})


def trend_of(measured: Measured) -> TrendResult | None:
    """Evaluate the sensitivities of all dates."""
    try:
        found = [sensitivity_in(run) for key, run in measured.runs.items() if key.startswith(f"{KEY} ")]
        start_s = np.array([each.start_utc_s for each in found])
        return evaluate(
            (start_s - start_s.min()) / HOUR_S if len(start_s) else start_s,
            np.array([each.sensitivity.value for each in found]),
            np.array([each.own_u for each in found]),
        )
    except (ConfigError, NotEnoughData):
        return None
