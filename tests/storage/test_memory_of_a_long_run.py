import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "storage_memory.py"


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_two_simulated_days_of_acquiring_take_less_than_20_mb_more_than_an_hour():
    said = subprocess.run([sys.executable, SCRIPT, "--json"], capture_output=True, text=True, check=True)
    found = json.loads(said.stdout)
    assert found["elapsed_s"] >= 48 * 3600
    assert found["looks"] > 100
    assert found["grown_mb"] < 20
