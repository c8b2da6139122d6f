"""What every way to a dose reading must do: typed by a person, imported from a log, over a bridge."""

import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest

from instruments.accugold import (
    AT_20_DEGC,
    LINE,
    Air,
    BridgeDosimeter,
    Chamber,
    Dosimeter,
    ExportLog,
    ImportedDosimeter,
    Layout,
    OperatorDosimeter,
)
from instruments.accugold.bridge import BridgeServer
from instruments.accugold.session import BridgeSession
from instruments.connect import open_adapter
from xraydaq.clock import JumpingClock, ScaledClock
from xraydaq.errors import Refused

CHAMBER = Chamber("AGDM+", "48-0000", "10X6-180", "00-0000", date(2026, 7, 13))
LAYOUT = Layout("Dose", "uGy", "Duration", "s", "T", "degC", "P", "kPa")
AIR = Air(295.25, 99580.0)
K_TP = 1.02481
"""For this air and the reference of 20 degC and 101.325 kPa, to five digits."""

BACKENDS = ("operator", "imported", "bridge")


@dataclass
class Rig:
    """A dosimeter, and a world that can make it see a dose; `touched` counts what it asked of the world."""

    dosimeter: Dosimeter
    expose: Callable[[float, float], None]
    touched: Callable[[], int]
    kind: str


def build(stack: ExitStack, kind: str, folder: Any, corrected: bool | None) -> Rig:
    return {"operator": with_operator, "imported": with_folder, "bridge": with_bridge}[kind](stack, folder, corrected)


def with_operator(_stack, _folder, corrected):
    lines, shown = [], []

    def ask(prompt):
        shown.append(prompt)
        if "type done" in prompt:
            return "done"
        if "yes, no, unknown" in prompt:
            return "unknown"
        return lines.pop(0)

    dosimeter = OperatorDosimeter(
        ask, clock=JumpingClock(), chamber=CHAMBER, corrected=corrected, reference=AT_20_DEGC
    )
    return Rig(
        dosimeter,
        lambda dose_gy, time_s: lines.extend([f"{dose_gy * 1e6} uGy", f"{time_s} s", "22.1 degC, 99.58 kPa"]),
        lambda: len(shown),
        "operator",
    )


def export(folder):
    """Make what writes a log as a person would: all rows, again and again."""
    rows = ["Dose,Duration,T,P"]

    def expose(dose_gy, time_s):
        rows.append(f"{dose_gy * 1e6},{time_s},22.1,99.58")
        (folder / "log.csv").write_text("\n".join(rows) + "\n")

    return expose


def with_folder(_stack, folder, corrected):
    clock = JumpingClock()
    log = ExportLog(folder, LAYOUT, clock)
    dosimeter = ImportedDosimeter(log, clock=clock, chamber=CHAMBER, corrected=corrected, reference=AT_20_DEGC)
    return Rig(dosimeter, export(folder), lambda: 0, "imported")


def with_bridge(stack, folder, corrected):
    clock = ScaledClock(20.0)
    heard = []

    class Session(BridgeSession):
        def feed(self, data):
            heard.append(data)
            return super().feed(data)

    def session():
        return Session(ExportLog(folder, LAYOUT, clock), CHAMBER, corrected=bool(corrected))

    server = BridgeServer(session, port=0)
    stop = threading.Event()
    thread = threading.Thread(target=server.serve, args=(stop,), name="bridge")
    thread.start()
    stack.callback(thread.join)
    stack.callback(stop.set)
    adapter = open_adapter(f"TCPIP0::127.0.0.1::{server.port}::SOCKET", LINE)
    dosimeter = BridgeDosimeter(adapter, clock=clock, reference=AT_20_DEGC)
    stack.callback(dosimeter.close)
    return Rig(dosimeter, export(folder), lambda: len(heard), "bridge")


@pytest.fixture(params=BACKENDS)
def make(request, tmp_path):
    with ExitStack() as stack:
        yield lambda corrected=False: build(stack, request.param, tmp_path, corrected)


def measure(rig, dose_gy, time_s=10.0):
    rig.dosimeter.start("50 kV, 100 uA, 10 mm Al")
    rig.expose(dose_gy, time_s)
    try:
        return rig.dosimeter.read()
    finally:
        rig.dosimeter.stop()


def test_construction_asks_nothing_of_anybody(make):
    assert make().touched() == 0


def test_it_names_instrument_and_chamber(make):
    identity = make().dosimeter.identify()
    assert (identity.manufacturer, identity.model, identity.serial) == ("Radcal", "AGDM+", "48-0000")
    assert identity.chamber == CHAMBER


def test_a_dose_comes_back_at_the_reference_air_density(make):
    rig = make()
    reading = measure(rig, 2e-6)
    assert reading.dose_gy == pytest.approx(2e-6 * K_TP, rel=5e-6)  # the factor is known to five digits
    assert reading.kerma_rate_gy_s == pytest.approx(2e-7 * K_TP, rel=5e-6)
    assert reading.raw_dose_gy == pytest.approx(2e-6, rel=1e-6)  # seven digits over the line
    assert (reading.time_s, reading.source, reading.label) == (10.0, rig.kind, "50 kV, 100 uA, 10 mm Al")
    assert (reading.air_density_corrected, reading.corrected_by) == (True, "program")
    assert reading.temperature_k == pytest.approx(295.25, abs=1e-6)
    assert reading.pressure_pa == pytest.approx(99580.0, abs=1e-3)
    assert reading.chamber == CHAMBER
    assert reading.original


def test_a_reading_that_is_corrected_already_is_not_corrected_again(make):
    reading = measure(make(corrected=True), 2e-6)
    assert reading.dose_gy == pytest.approx(2e-6, rel=1e-6)
    assert reading.corrected_by == "instrument"


def test_each_measurement_has_its_own_dose(make):
    rig = make(corrected=True)
    rig.dosimeter.set_air(AIR)
    doses_gy = [1e-6, 3e-6, 3e-6, 2e-6]
    assert [measure(rig, dose_gy).dose_gy for dose_gy in doses_gy] == pytest.approx(doses_gy, rel=1e-6)


def test_nothing_is_read_that_was_not_begun(make):
    rig = make()
    with pytest.raises(Refused):
        rig.dosimeter.read()
    measure(rig, 1e-6)
    with pytest.raises(Refused):
        rig.dosimeter.read()


def test_without_a_background_correction_a_reading_is_not_for_record(make):
    rig = make()
    assert not measure(rig, 1e-6).for_record


def test_a_background_correction_is_done_or_refused_but_never_pretended(make):
    rig = make()
    rig.dosimeter.set_air(AIR)
    try:
        rig.dosimeter.zero()
    except Refused:
        assert not measure(rig, 1e-6).for_record
        rig.dosimeter.zeroed()
    assert measure(rig, 1e-6).for_record


@pytest.mark.parametrize("kind", ["operator", "imported"])
def test_a_correction_nobody_knows_of_is_refused(kind, tmp_path):
    with ExitStack() as stack, pytest.raises(Refused, match="air density"):
        measure(build(stack, kind, tmp_path, None), 1e-6)


def test_the_settings_are_a_snapshot_that_asks_no_person(make):
    rig = make()
    first = rig.dosimeter.settings()
    assert first
    assert rig.dosimeter.settings() == first
    if rig.kind == "operator":
        assert rig.touched() == 0


def test_an_end_is_an_end_and_twice_is_harmless(make):
    rig = make()
    rig.dosimeter.start("x")
    for _ in range(2):
        rig.dosimeter.safe_off()
        rig.dosimeter.shutdown()
        rig.dosimeter.stop()
    with pytest.raises(Refused):
        rig.dosimeter.read()
    for _ in range(2):
        rig.dosimeter.close()
