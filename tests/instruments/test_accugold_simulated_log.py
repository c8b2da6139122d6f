"""Logs as the simulated vendor's program exports them are read to the last digit."""

import pytest

from instruments.accugold import ExportLog, Layout
from instruments.sim.accugold import LogEntry, write_csv, write_xlsx
from xraydaq.clock import JumpingClock

LAYOUT = Layout("Dose (uGy)", "uGy", "Duration (s)", "s", "Temperature (C)", "degC", "Pressure (kPa)", "kPa")
ENTRY = LogEntry(1.78e9, 60.0, 1.218e-3, 20.3e-6, 295.25, 99580.0)


@pytest.mark.parametrize(("write", "name"), [(write_csv, "log.csv"), (write_xlsx, "log.xlsx")])
def test_both_kinds_of_export_give_the_same_measurement(tmp_path, write, name):
    write(tmp_path / name, [ENTRY])
    log = ExportLog(tmp_path, LAYOUT, JumpingClock())
    (row,) = log.settle()
    raw = log.dose_of(row)
    assert raw.dose_gy == pytest.approx(ENTRY.dose_gy, rel=1e-5)
    assert raw.time_s == ENTRY.duration_s
    assert raw.air.temperature_k == pytest.approx(ENTRY.temperature_k, abs=0.05)  # shown in tenths
    assert raw.air.pressure_pa == pytest.approx(ENTRY.pressure_pa, abs=5.0)  # shown in hundredths of kPa
