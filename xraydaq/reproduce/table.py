"""The table: what the paper prints, what this bench measured, with which uncertainty, and whether the two agree."""

import math
from dataclasses import dataclass, replace
from typing import Any

from xraydaq.analysis.values import Value
from xraydaq.config.reference import paper_values
from xraydaq.reproduce.measured import Measured, value_text
from xraydaq.reproduce.programme import TREATMENTS
from xraydaq.units import parse_quantity

COVERAGE = 2.0
AGREES, DIFFERS, UNREACHABLE, MISSING = "agrees", "differs", "not to be had", "no result"
FLAT = 0.05
"""Peak to peak over mean up to which a dark current counts as not degrading."""


@dataclass(frozen=True)
class Row:
    """One line: `paper` in SI, `unit` to show both in, `verdict` of the four words above and why it is so."""

    key: str
    quantity: str
    paper_text: str
    paper: float
    measured: Value | None
    unit: str
    verdict: str
    why: str = ""

    @property
    def is_good(self) -> bool:
        """Get whether the line needs no explanation, or has one."""
        return self.verdict == AGREES or (self.verdict == UNREACHABLE and bool(self.why))


def rows_of(measured: Measured) -> list[Row]:
    """Get all lines of the table, in the order of the paper's figures."""
    paper = paper_values()
    return [
        *_conductivity(measured, paper),
        *_traps(measured, paper),
        _dark(measured),
        *_sensitivity(measured, paper),
        *_noise(measured, paper),
        _air(measured, paper),
        _shelf(measured),
    ]


def compared(
    key: str, quantity: str, paper_text: str, unit: str, si_unit: str, measured: Value | None, why: str = ""
) -> Row:
    """Compare a printed number with a measured one at k = 2."""
    # the root of a hertz is no unit that text can be converted from
    plain = si_unit in ("1", "A/√Hz")
    paper = float(paper_text.split(maxsplit=1)[0]) if plain else parse_quantity(paper_text, si_unit)
    row = Row(key, quantity, paper_text, paper, measured, unit, MISSING, why)
    if measured is None or not math.isfinite(measured.value):
        return row
    agrees = abs(measured.value - paper) <= COVERAGE * measured.u
    return replace(row, verdict=AGREES if agrees else DIFFERS)


def _conductivity(measured: Measured, paper: dict[str, Any]) -> list[Row]:
    found = []
    for name, key, unit, si_unit, label in (
        ("activation_energy_above_transition", "activation_energy", "eV", "J", "activation energy"),
        ("transition_temperature", "transition", "K", "K", "transition"),
    ):
        for treatment in TREATMENTS:
            value = measured.value(f"conductivity {treatment}", name)
            text = paper["conductivity"][treatment][key]
            found.append(compared(f"{key} {treatment}", f"{label}, {treatment}", text, unit, si_unit, value))
    return found


def _traps(measured: Measured, paper: dict[str, Any]) -> list[Row]:
    why = "with the elementary charge; the printed formula lacks it"
    return [
        compared(
            f"traps {treatment}", f"trap density, {treatment}", paper["trap_density"][treatment], "cm^-2", "1/m^2",
            measured.value(f"traps {treatment}", "trap_density"), why,
        )
        for treatment in TREATMENTS
    ]  # fmt: skip


def _dark(measured: Measured) -> Row:
    found = measured.value("dark atomistic", "peak_to_peak_over_mean")
    verdict = MISSING if found is None else AGREES if found.value - COVERAGE * found.u <= FLAT else DIFFERS
    why = f"no degradation: peak to peak below {FLAT:.0%} of the mean"
    return Row("dark", "dark current over 800 min, peak to peak", "no degradation", 0.0, found, "%", verdict, why)


def _sensitivity(measured: Measured, paper: dict[str, Any]) -> list[Row]:
    printed, unit, si_unit = paper["xray"], "uC Gy^-1 cm^-2", "C/Gy/m^2"
    return [
        compared(
            "sensitivity point", "sensitivity at 20.3 uGy/s", printed["sensitivity_point"], unit, si_unit,
            measured.value("dose sweep", "sensitivity"), measured.text("dose sweep", "verdict"),
        ),
        compared(
            "sensitivity slope", "sensitivity, slope of the sweep", printed["sensitivity_slope"], unit, si_unit,
            measured.value("dose sweep", "sensitivity_slope_unweighted"),
            f"unweighted line over all dose rates; {_quality(measured)}",
        ),
        _detection_limit(measured, printed["detection_limit"]),
    ]  # fmt: skip


def _detection_limit(measured: Measured, text: str) -> Row:
    quiet = measured.value("dose sweep quiet", "detection_limit_snr_3")
    loud = measured.value("dose sweep", "detection_limit_snr_3")
    row = compared("detection limit", "detection limit, SNR 3", text, "nGy/s", "Gy/s", quiet)
    if loud is None or not math.isfinite(loud.value) or row.verdict == MISSING:
        return row
    condition = measured.text("dose sweep quiet", "verdict").partition("detection limit")[2].strip()
    return replace(
        row,
        why=f"{condition}; of a crystal whose noise is 3.55e-12 A/√Hz at 1 Hz. With the printed noise the same bench "
        f"gives {loud.to('nGy/s').number()} nGy/s: the two printed figures exclude each other",
    )


def _quality(measured: Measured) -> str:
    gain = measured.value("dose sweep", "photoconductive_gain")
    return "gain not known" if gain is None else f"gain {gain.number()} in the beam of the line above"


def _noise(measured: Measured, paper: dict[str, Any]) -> list[Row]:
    exponent = measured.value("noise", "noise_exponent_gamma")
    density = measured.value("noise", "1_over_f_noise_density_at_1_hz")
    return [
        compared("noise", "noise density at 1 Hz", paper["xray"]["noise"], "A/√Hz", "A/√Hz", density),
        compared("noise exponent", "exponent of the noise", "1", "1", "1", exponent, "printed as 1/f"),
    ]


def _air(measured: Measured, paper: dict[str, Any]) -> Row:
    apparent = measured.value("air", "apparent_sensitivity")
    limit = measured.value("air", "apparent_sensitivity_upper_limit")
    row = compared(
        "air", "air ionisation, apparent sensitivity", paper["xray"]["air_ionisation"], "uC Gy^-1 cm^-2",
        "C/Gy/m^2", apparent,
    )  # fmt: skip
    if row.verdict == DIFFERS and limit is not None and limit.value >= row.paper:
        return replace(
            row,
            verdict=UNREACHABLE,
            why="10 pA is one count of the 1 uA range, an upper limit only; an electrometer would read it",
        )
    return row


def _shelf(measured: Measured) -> Row:
    found = measured.value("shelf", "change_over_the_span")
    verdict = MISSING
    if found is not None:
        verdict = AGREES if abs(found.value) <= COVERAGE * found.u else DIFFERS
    why = "" if found is None else f"changes above {COVERAGE * found.u:.1%} are excluded"
    return Row("shelf", "sensitivity after 650 h on the shelf", "almost the same", 0.0, found, "%", verdict, why)


def text_of(rows: list[Row]) -> str:
    """Write the table for a terminal: paper, measured, uncertainty, verdict; reasons below their line."""
    shown = [(row, *_texts(row)) for row in rows]
    widths = [max(len(cells[index]) for _, *cells in shown) for index in range(3)]
    lines = [
        f"{'quantity':{widths[0]}}  {'paper':>{widths[1]}}  {'measured (k=1)':>{widths[2]}}  verdict",
        "-" * (sum(widths) + 6 + 14),
    ]
    for row, quantity, paper, number in shown:
        lines.append(f"{quantity:{widths[0]}}  {paper:>{widths[1]}}  {number:>{widths[2]}}  {row.verdict}")
        lines += [f"    {row.why}"] if row.why else []
    good = sum(row.is_good for row in rows)
    lines += ["", f"{good} of {len(rows)} lines agree with the paper within k = 2, or say why they cannot."]
    return "\n".join(lines) + "\n"


def _texts(row: Row) -> tuple[str, str, str]:
    return row.quantity, row.paper_text, "--" if row.measured is None else value_text(row.measured, row.unit)
