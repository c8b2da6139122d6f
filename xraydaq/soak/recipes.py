"""The recipes of a soak: as short as the checks allow, and with X-rays as early as possible."""

from pathlib import Path

from xraydaq.config import shipped_configs
from xraydaq.soak.drawing import ALL, Recipe

SOURCE = 'compliance = "50 uA"\nline_frequency = "50 Hz"\nramp_rate = "2 V/s"\n'
PHOTORESPONSE = (
    SOURCE + 'bias = "1 V"\nsettle_duration = "0.5 s"\ntube_voltage = "50 kV"\nfoil = "1 mm"\n'
    'tube_currents = ["194 uA"]\ncycles = 4\nhalf_period = "6.5 s"\nnplc = 0.2\nperiod = "25 ms"\n'
    'dense_duration = "1 s"\nlate_period = "0.25 s"\ncurrent_range = "1 uA"\n'
)
TEXTS: dict[Recipe, tuple[str, str, str, str]] = {
    "lit": ("photoresponse", "atomistic", "simulated_50kv", f'{PHOTORESPONSE}warm_up_duration = "0 s"\n'),
    "warm-up": ("photoresponse", "atomistic", "simulated_50kv", f'{PHOTORESPONSE}warm_up_duration = "26 s"\n'),
    "dark": (
        "bias_stability",
        "atomistic",
        "",
        f'{SOURCE}bias = "2 V"\nduration = "2 min"\nperiod = "0.1 s"\nbaseline_duration = "1 s"\n'
        'tail_duration = "5 s"\nnplc = 1\n',
    ),
    "heated": (
        "temperature_sweep",
        "atomistic_gap",
        "",
        'compliance = "100 uA"\nline_frequency = "50 Hz"\nramp_rate = "20 V/s"\nbias = "2 V"\n'
        'lowest_temperature = "300 K"\nhighest_temperature = "320 K"\nstep_up = "2.5 K"\nstep_down = "0 K"\n'
        'pulse_duration = "30 s"\nrest_duration = "30 s"\npairs = 1\nperiod = "0.5 s"\nnplc = 1\n',
    ),
}
"""Recipe -> procedure, sample, calibration, parameters."""


def write_recipes(folder: Path) -> dict[Recipe, Path]:
    """Write the recipe files into a folder."""
    configs = shipped_configs().resolve()
    paths: dict[Recipe, Path] = {}
    for recipe in ALL:
        procedure, sample, calibration, parameters = TEXTS[recipe]
        lines = [
            f'procedure = "{procedure}"',
            f'title = "soak: {recipe}"',
            f'sample = "{configs / "samples" / sample}.toml"',
            *([f'calibration = "{configs / "calibrations" / calibration}.toml"'] if calibration else []),
            "[parameters]",
            parameters,
        ]
        paths[recipe] = folder / f"soak_{recipe.replace('-', '_')}.toml"
        paths[recipe].write_text("\n".join(lines), encoding="utf-8")
    return paths
