"""Writing a dose calibration file, with comments for the person who opens it."""

import json
from collections.abc import Iterator

from xraydaq.config.calibration import CalibratedFilter, DoseCalibration
from xraydaq.units import format_quantity

DIGITS = 6
GY_S_A_PER_NGY_S_UA = 1e-3


def calibration_text(calibration: DoseCalibration) -> str:
    """Get the TOML text of a calibration file; read back, it gives the same values to six digits."""
    lines = [
        "# Dose calibration of the X-ray beam: air kerma rate where the crystal is.",
        '# Recipes cite this file: calibration = "../calibrations/<this file>". Uncertainties are standard (k = 1).',
        "",
        *_top(calibration),
        "",
        "[chamber]",
        *(f"{key} = {_quoted(getattr(calibration.chamber, key))}" for key in type(calibration.chamber).model_fields),
        "",
        "# Behind all aluminium in the beam: kerma rate = kerma_rate_per_current x (tube current + current_offset).",
        "# uncertainty: of the statistics of this filter alone.",
    ]
    for each in calibration.filters:
        lines += [*_filter(each), ""]
    lines += ["# Relative, the same for every kerma rate of this file.", "[uncertainty]"]
    lines += [f'{name} = "{_percent(share)}"' for name, share in calibration.shares.items()]
    return "\n".join(lines) + "\n"


def _top(calibration: DoseCalibration) -> Iterator[str]:
    yield f"name = {_quoted(calibration.name)}"
    yield f"date = {calibration.made_on.isoformat()}"
    yield f"valid_until = {calibration.valid_until.isoformat()}"
    yield f"simulated = {_switch(calibration.simulated)}" + "   # no real beam" * calibration.simulated
    for key, text in (("run", calibration.run), ("note", calibration.note)):
        if text is not None:
            yield f"{key} = {_quoted(text)}"
    yield f'tube_voltage = "{format_quantity(calibration.tube_voltage_v, "V", DIGITS)}"'
    yield f'distance = "{calibration.distance_m * 100:.{DIGITS}g} cm"   # anode to crystal'
    yield f"collimator = {_quoted(calibration.collimator)}   # while the chamber was in the beam"
    yield f"field_covers_chamber = {_switch(calibration.field_covers_chamber)}"
    yield f'air_density_corrected = "{calibration.air_density_corrected}"'
    yield f'current_offset = "{_amps(calibration.current_offset_a)}"   # what the tube gives beyond what it shows'
    yield f'current_offset_uncertainty = "{_amps(calibration.current_offset_u_a)}"'
    for key, current_a in (
        ("lowest_tube_current", calibration.lowest_current_a),
        ("highest_tube_current", calibration.highest_current_a),
    ):
        if current_a is not None:
            yield f'{key} = "{_amps(current_a)}"'


def _filter(found: CalibratedFilter) -> Iterator[str]:
    thickness = format_quantity(found.total_al_m, "m", DIGITS)
    yield f"[filters.al_{thickness.replace(' ', '').replace('.', 'p')}]"
    yield f'total_aluminium = "{thickness}"'
    yield f'kerma_rate_per_current = "{found.kerma_gy_per_s_a / GY_S_A_PER_NGY_S_UA:.{DIGITS}g} nGy/s/uA"'
    yield f'uncertainty = "{_percent(found.kerma_relative_u)}"'
    yield f'half_value_layer = "{found.hvl_m * 1e3:.{DIGITS}g} mm"'
    if found.hvl_extrapolated:
        yield "half_value_layer_extrapolated = true   # no measured filter lets half of this beam through"


def _amps(current_a: float) -> str:
    return f"{current_a * 1e6:.{DIGITS}g} uA"


def _percent(share: float) -> str:
    return f"{share * 100:.3g} %"


def _switch(value: bool) -> str:
    return "true" if value else "false"


def _quoted(text: str) -> str:
    """Write a TOML basic string: JSON's escapes are TOML's, and delete is the one character JSON leaves bare."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
