import subprocess
import sys
from pathlib import Path

import pytest

HOME = Path(__file__).resolve().parents[2]
HEAVY = ("pint", "numpy", "scipy", "h5py", "pymeasure", "pyvisa", "matplotlib", "rich")


@pytest.mark.parametrize("module", ["xraydaq.errors", "xraydaq.clock", "xraydaq.units", "xraydaq.config"])
def test_importing_the_kernel_loads_nothing_heavy(module):
    code = f"import sys, {module}; print(*sorted(set({HEAVY!r}) & set(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", code], cwd=HOME, capture_output=True, text=True, check=True)
    assert answer.stdout.split() == []


def test_the_first_conversion_loads_the_units():
    code = (
        "import sys; from xraydaq.units import parse_quantity; print(parse_quantity('50 um', 'm')); "
        f"print(*sorted(set({HEAVY!r}) & set(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", code], cwd=HOME, capture_output=True, text=True, check=True)
    assert answer.stdout.splitlines()[0] == "5e-05"
    assert "pint" in answer.stdout.split()
    assert not {"h5py", "pymeasure", "pyvisa", "matplotlib"} & set(answer.stdout.split())
