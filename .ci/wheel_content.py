"""Checks that a wheel holds the three packages with their data and nothing of the checkout besides."""

import sys
from zipfile import ZipFile

PACKAGES = {"xraydaq", "procedures", "instruments"}
NEEDED = {
    "xraydaq/cli/main.py",
    "xraydaq/shipped_configs/benches/simulated.toml",
    "xraydaq/shipped_configs/recipes/bias_stability.toml",
    "xraydaq/shipped_configs/samples/atomistic.toml",
    "xraydaq/shipped_configs/calibrations/simulated_50kv.toml",
    "procedures/bias_stability.py",
    "instruments/keithley2400/driver.py",
    "instruments/wire/keithley2400/rows.py",
    "instruments/sim/keithley2400/device.py",
    "instruments/sim/twin/crystal.py",
    "instruments/sim/twin/reference/beam_grid_30cm.csv",
}


def main() -> int:
    """Return 1 when something is missing or too much."""
    names = [name for name in ZipFile(sys.argv[1]).namelist() if ".dist-info/" not in name]
    missing = sorted(NEEDED - set(names))
    foreign = sorted(
        name for name in names if name.split("/")[0] not in PACKAGES or not name.endswith((".py", ".toml", ".csv"))
    )
    for problem, found in (("missing from the wheel", missing), ("should not be in the wheel", foreign)):
        if found:
            print(f"{problem}: {', '.join(found)}")
    print(f"wheel: {len(names)} files")
    return 1 if missing or foreign else 0


if __name__ == "__main__":
    sys.exit(main())
