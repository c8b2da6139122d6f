"""All quantities of blind programmes together: how many lie within twice their uncertainty of the truth, and how far.

The quantities one by one over many programmes: ``python -m xraydaq.reproduce.honesty``.
"""

import numpy as np
import pytest

from xraydaq.clock import RealClock
from xraydaq.reproduce.blind import pulls_of
from xraydaq.reproduce.measured import read_back
from xraydaq.reproduce.programme import CALIBRATION, TREATMENTS, programme
from xraydaq.reproduce.running import run_all

SEEDS = (101, 102)
KEYS = (
    CALIBRATION, "noise", "field", "dose sweep",
    *(f"{what} {treatment}" for what in ("conductivity", "traps") for treatment in TREATMENTS),
)  # fmt: skip
LEAST_WITHIN, RMS_FROM, RMS_TO = 0.90, 0.5, 1.2


def pulls_of_a_programme(seed, folder):
    jobs = [job for job in programme(seed) if job.key in KEYS]
    done = run_all(jobs, folder, seed=seed, start_utc_s=RealClock().utc(), processes=2, show=lambda *_: None)
    assert not [each.problem for each in done.values() if each.problem]
    return pulls_of(read_back({key: each.file for key, each in done.items()}))


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_nine_tenths_of_all_results_lie_within_twice_their_uncertainty(tmp_path):
    pulls = [pull for seed in SEEDS for pull in pulls_of_a_programme(seed, tmp_path / str(seed))]
    values = np.array([pull.value for pull in pulls])
    told = "\n".join(f"{pull.quantity}  {pull.key}  {pull.value:+.2f}" for pull in pulls)
    assert len(values) >= 16 * len(SEEDS), told
    assert np.mean(np.abs(values) <= 2) >= LEAST_WITHIN, told
    assert RMS_FROM <= np.sqrt(np.mean(values**2)) <= RMS_TO, told
