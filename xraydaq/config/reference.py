"""Tracked reference data: the table of the beam, and the values that the paper prints."""

import csv
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xraydaq.units import parse_quantity

BEAM_TABLE = "beam_grid_30cm.csv"
PAPER_VALUES = "paper_values.toml"
_UC_PER_GY_CM2 = 1e-2  # in C/Gy/m^2


@dataclass(frozen=True)
class BeamRow:
    """One beam of the table, SI: half-value layer in aluminium, unity-gain sensitivities at W = 4.63 eV."""

    tube_voltage_v: float
    total_al_m: float
    kerma_rate_per_current_gy_s_a: float
    """Of the model, before the output factor of a real tube."""
    mean_energy_kev: float
    half_value_layer_m: float
    s0_1mm_c_gy_m2: float
    s0_0p2mm_c_gy_m2: float


@dataclass(frozen=True)
class Literature:
    """A detector of the literature: sensitivity in C Gy^-1 m^-2 and detection limit in Gy/s."""

    name: str
    sensitivity_c_gy_m2: float
    detection_limit_gy_s: float
    note: str = ""


def reference_folder() -> Path:
    """Get the folder of the reference data: in the installed package, else in the checkout."""
    top = Path(__file__).resolve().parents[2]
    installed = top / "instruments" / "sim" / "twin" / "reference"
    return installed if installed.is_dir() else top / "data" / "reference"


def beam_table(path: Path | None = None) -> list[BeamRow]:
    """Read the beam table: 30 cm from the focus, air path included."""
    with (path or reference_folder() / BEAM_TABLE).open(newline="") as file:
        return [_beam_row(row) for row in csv.DictReader(file)]


def _beam_row(row: dict[str, str]) -> BeamRow:
    return BeamRow(
        tube_voltage_v=float(row["tube_voltage_kV"]) * 1e3,
        total_al_m=float(row["total_Al_mm"]) * 1e-3,
        kerma_rate_per_current_gy_s_a=float(row["air_kerma_rate_Gy_s_per_uA_kout1"]) * 1e6,
        mean_energy_kev=float(row["mean_energy_keV"]),
        half_value_layer_m=float(row["hvl_mm_Al"]) * 1e-3,
        s0_1mm_c_gy_m2=float(row["S0_1mm_uC_Gy_cm2"]) * _UC_PER_GY_CM2,
        s0_0p2mm_c_gy_m2=float(row["S0_0p2mm_uC_Gy_cm2"]) * _UC_PER_GY_CM2,
    )


def paper_values(path: Path | None = None) -> dict[str, Any]:
    """Read the printed values as they are written, quantities as text."""
    return tomllib.loads((path or reference_folder() / PAPER_VALUES).read_text())


def literature(path: Path | None = None) -> list[Literature]:
    """Get the detectors that the paper compares itself with, and the paper's own; printed ratios are undone."""
    values = paper_values(path)
    printed = values["xray"]
    own = Literature(
        "Song et al. 2020, atomistic",
        parse_quantity(printed["sensitivity_slope"], "C/Gy/m^2"),
        parse_quantity(printed["detection_limit"], "Gy/s"),
        "as printed; detection limit at signal-to-noise 3",
    )
    return [own, *(_literature(name, entry, own) for name, entry in values["literature"].items())]


def _literature(name: str, entry: dict[str, Any], own: Literature) -> Literature:
    if "sensitivity" in entry:
        sensitivity = parse_quantity(entry["sensitivity"], "C/Gy/m^2")
        return Literature(name, sensitivity, parse_quantity(entry["detection_limit"], "Gy/s"))
    return Literature(
        name.replace("alpha-", "α-"),
        own.sensitivity_c_gy_m2 / entry["ratio_sensitivity"],
        own.detection_limit_gy_s * entry["ratio_detection_limit"],
        "from the printed ratios",
    )
