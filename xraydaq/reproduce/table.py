"""The table: what the paper prints, what this bench measured, with which uncertainty, and whether the two agree."""

import math
from dataclasses import dataclass, replace
from textwrap import wrap
from typing import Any

from xraydaq.analysis.values import Value
from xraydaq.config.reference import paper_values
from xraydaq.reproduce.measured import NO_RESULT, Measured, called, readable, shown, told_text, value_text
from xraydaq.reproduce.programme import TREATMENTS
from xraydaq.reproduce.shelf import KEY as SHELF
from xraydaq.reproduce.sweep_said import LIMIT, SENSITIVITY, is_extrapolated, of_the_limit, of_the_sensitivity
from xraydaq.reproduce.thermal_said import interval
from xraydaq.units import parse_quantity

COVERAGE = 2.0
AGREES, DIFFERS, UNREACHABLE, MISSING = "agrees", "differs", "not to be had", NO_RESULT
WIDTH = 110
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
    for name, key, unit, si_unit, label, short in (
        ("activation_energy_above_transition", "activation_energy", "eV", "J", "activation energy", "high"),
        ("transition_temperature", "transition", "K", "K", "transition", "change"),
    ):
        for treatment in TREATMENTS:
            value = measured.value(f"conductivity {treatment}", name)
            text = paper["conductivity"][treatment][key]
            why = interval(measured, treatment, short)
            found.append(
                compared(f"{key} {treatment}", f"{label}, {called(treatment)}", text, unit, si_unit, value, why)
            )
    return found


def _traps(measured: Measured, paper: dict[str, Any]) -> list[Row]:
    return [
        compared(
            f"traps {treatment}", f"trap density, {called(treatment)}", paper["trap_density"][treatment],
            "cm^-2", "1/m^2", measured.value(f"traps {treatment}", "trap_density"),
            f"with the elementary charge, which the printed formula lacks; "
            f"{measured.text(f'traps {treatment}', 'verdict') or NO_RESULT}",
        )
        for treatment in TREATMENTS
    ]  # fmt: skip


def _dark(measured: Measured) -> Row:
    found = measured.value("dark atomistic", "peak_to_peak_over_mean")
    verdict = MISSING if found is None else AGREES if found.value - COVERAGE * found.u <= FLAT else DIFFERS
    why = f"no degradation: peak to peak up to {FLAT * 100:.0f} % of the mean"
    return Row("dark", "dark current over 800 min, peak to peak", "no degradation", 0.0, found, "%", verdict, why)


def _sensitivity(measured: Measured, paper: dict[str, Any]) -> list[Row]:
    printed, unit, si_unit, key = paper["xray"], SENSITIVITY, "C/Gy/m^2", "dose sweep"
    up_to = told_text(measured.told(key, "slope_up_to_gy_s"), "uGy/s", 1e-6)
    weighted = measured.said(key, "sensitivity_slope_weighted", unit)
    gain = measured.said(key, "photoconductive_gain", "1")
    return [
        compared(
            "sensitivity point", "sensitivity at 20.3 µGy/s", printed["sensitivity_point"], unit, si_unit,
            measured.value(key, "sensitivity"), of_the_sensitivity(measured, key),
        ),
        compared(
            "sensitivity slope", "sensitivity, slope of the sweep", printed["sensitivity_slope"], unit, si_unit,
            measured.value(key, "sensitivity_slope_unweighted"),
            f"unweighted line through the origin up to {up_to}; weighted line over all points {weighted}; "
            f"gain {gain} at the point of the line above",
        ),
        _detection_limit(measured, printed["detection_limit"]),
    ]  # fmt: skip


def _detection_limit(measured: Measured, text: str) -> Row:
    """Compare the limit of the quiet crystal, and say what the crystal with the printed noise gives."""
    quiet, loud = "dose sweep quiet", "dose sweep"
    row = compared("detection limit", "detection limit, SNR 3", text, "nGy/s", "Gy/s", measured.value(quiet, LIMIT))
    noise = {key: measured.said(key, "1_over_f_noise_density_at_0p1_hz", "") for key in (quiet, loud)}
    limit = measured.value(loud, LIMIT)
    why = (
        f"{of_the_limit(measured, quiet)}; of a crystal whose 1/f noise is {noise[quiet]} at 0.1 Hz. With the printed "
        f"noise, {noise[loud]} at 0.1 Hz, the same bench gives {shown(limit, 'nGy/s')}"
    )
    if limit is not None and limit.value - COVERAGE * limit.u > row.paper:
        why += ": the two printed figures exclude each other"
    if is_extrapolated(measured, quiet):
        why += ". Extrapolated: an estimate, no detection limit"
    return replace(row, why=why)


def _noise(measured: Measured, paper: dict[str, Any]) -> list[Row]:
    exponent = measured.value("noise", "noise_exponent_gamma")
    density = measured.value("noise", "1_over_f_noise_density_at_1_hz")
    return [
        compared("noise", "1/f noise density at 1 Hz", paper["xray"]["noise"], "A/√Hz", "A/√Hz", density),
        compared("noise exponent", "exponent of the noise", "1", "1", "1", exponent, "printed as 1/f"),
    ]


def _air(measured: Measured, paper: dict[str, Any]) -> Row:
    apparent = measured.value("air", "apparent_sensitivity")
    limit = measured.value("air", "apparent_sensitivity_upper_limit")
    count = measured.said("air", "sensitivity_of_one_display_count", SENSITIVITY)
    row = compared(
        "air", "air ionisation, apparent sensitivity", paper["xray"]["air_ionisation"], SENSITIVITY,
        "C/Gy/m^2", apparent, f"chopped; one count of the display is {count}; upper limit {shown(limit, SENSITIVITY)}",
    )  # fmt: skip
    if row.verdict == DIFFERS and limit is not None and limit.value >= row.paper:
        return replace(
            row, verdict=UNREACHABLE, why=f"{row.why}, which is all that is known; an electrometer would read it"
        )
    return row


def _shelf(measured: Measured) -> Row:
    found = measured.value(SHELF, "change_over_the_span")
    verdict = MISSING
    if found is not None:
        verdict = AGREES if abs(found.value) <= COVERAGE * found.u else DIFFERS
    excluded = ""
    if found is not None:
        low, high = (100 * (found.value + side * COVERAGE * found.u) for side in (-1, 1))
        excluded = f"changes below {low:+.2g} % and above {high:+.2g} % are excluded (k = 2)"
    said = "; ".join(filter(None, (excluded, *measured.text(SHELF, "flags").splitlines())))
    return Row("shelf", "sensitivity after 650 h on the shelf", "almost the same", 0.0, found, "%", verdict, said)


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
        lines += wrap(row.why, WIDTH, initial_indent="    ", subsequent_indent="    ")
    good = sum(row.is_good for row in rows)
    lines += ["", f"{good} of {len(rows)} lines agree with the paper within k = 2, or say why they cannot."]
    return "\n".join(lines) + "\n"


def _texts(row: Row) -> tuple[str, str, str]:
    measured = "--" if row.measured is None else value_text(row.measured, row.unit)
    return row.quantity, readable(row.paper_text), measured
