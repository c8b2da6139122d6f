"""From the options of ``xraydaq theory`` to its evaluation."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from xraydaq.analysis.attenuation import ELECTRONVOLT_J, Absorber
from xraydaq.analysis.outcome import file_name
from xraydaq.analysis.theory import evaluate
from xraydaq.analysis.theory_result import Carriers, TheoryResult
from xraydaq.analysis.values import Value
from xraydaq.cli.names import shown
from xraydaq.cli.quantities import option_si, options_si
from xraydaq.cli.sensitivities import sensitivity_of
from xraydaq.config.reference import paper_values
from xraydaq.errors import ConfigError, Refused
from xraydaq.report.beams import tracked_beams

ENERGIES = (
    "10 keV",
    "15 keV",
    "20 keV",
    "22.16 keV",
    "24.94 keV",
    "30 keV",
    "33.1 keV",
    "33.3 keV",
    "40 keV",
    "50 keV",
)
BAND_GAP_U_J = 0.03 * ELECTRONVOLT_J
"""Published gaps of MAPbI3 lie from 1.51 to 1.60 eV: half of that, as a rectangle, rounded up."""

MOBILITY_M2_VS = 50e-4
"""Assumed; S. Shrestha et al., J. Phys. Chem. C 122 (2018) 5935 give 135 (electrons) and 90 cm^2/Vs (holes)."""

BIAS_V = 5.0
DEFAULT_AL_M = 2e-3


@dataclass(frozen=True)
class Wanted:
    """What was written on the command line."""

    thickness: Sequence[str]
    gap_energy: str
    energy: Sequence[str]
    filters: Sequence[str]
    tube_voltage: str
    formula: str
    density: str
    sensitivity: str | None
    run: str | None
    root: Path


def evaluated(wanted: Wanted) -> tuple[TheoryResult, bool | None]:
    """Evaluate what is wanted; the second tells whether the run behind it was simulated (None without a run).

    Raises:
        XraydaqError: an option is no quantity, outside the tables, or the run has no sensitivity.
    """
    if wanted.run is not None and wanted.sensitivity is not None:
        raise Refused("--run and --sensitivity both give a sensitivity; write one of them")
    measured, simulated, beams = _measured(wanted)
    result = evaluate(
        Absorber(wanted.formula, option_si("--density", wanted.density, "kg/m^3", "4.16 g/cm^3")),
        Value(option_si("--gap-energy", wanted.gap_energy, "J", "1.60 eV"), BAND_GAP_U_J, "J"),
        energies_j=options_si("--energy", wanted.energy or ENERGIES, "J", "22.16 keV"),
        thicknesses_m=options_si("--thickness", wanted.thickness or ["1 mm"], "m", "100 um"),
        table=tracked_beams(),
        beams=beams,
        carriers=_carriers(),
        sensitivities=measured,
    )
    return result, simulated


def _measured(wanted: Wanted) -> tuple[list[Value], bool | None, list[tuple[float, float]]]:
    """Get the sensitivity measured with each beam if any, whether it was simulated, and the beams."""
    voltage_v = option_si("--tube-voltage", wanted.tube_voltage, "V", "50 kV")
    al_m = options_si("--filter", wanted.filters, "m", "2 mm")
    if wanted.run is not None:
        return _of_run(wanted.run, wanted.root, voltage_v, al_m)
    beams = [(voltage_v, each) for each in al_m or (DEFAULT_AL_M,)]
    if wanted.sensitivity is None:
        return [], None, beams
    s = option_si("--sensitivity", wanted.sensitivity, "C/Gy/m^2", "7.1e5 uC/Gy/cm^2")
    return [Value(s, 0.0, "C Gy^-1 m^-2")] * len(beams), None, beams


def _of_run(
    text: str, root: Path, voltage_v: float, al_m: list[float]
) -> tuple[list[Value], bool, list[tuple[float, float]]]:
    """Take the slope that a run found behind each filter, or its one sensitivity where it tells none of the filter."""
    found = sensitivity_of(text, root)
    al_m = al_m or list(found.total_al_m)
    if not al_m:
        raise Refused(f"{shown(found.path)}: the run does not tell its filters; write --filter, for its gain")
    voltage_v = voltage_v if found.tube_voltage_v is None else found.tube_voltage_v
    measured = [_behind(text, root, each) or found.sensitivity for each in al_m]
    return measured, found.simulated, [(voltage_v, each) for each in al_m]


def _behind(text: str, root: Path, al_m: float) -> Value | None:
    try:
        name = file_name(f"sensitivity slope {al_m * 1e3:.3g} mm Al")
        return sensitivity_of(text, root, name).sensitivity
    except ConfigError:
        return None


def _carriers() -> Carriers:
    values = paper_values()
    gap_m = option_si("gap", values["geometry"]["gap"], "m", "50 um")
    return Carriers(gap_m, BIAS_V, MOBILITY_M2_VS, values["photoluminescence"]["lifetime_ns"]["atomistic"] * 1e-9)
