"""``xraydaq off`` without a bench: what it finds, what it loads, what it says and how it ends."""

import subprocess
import sys

import pytest

from instruments.emergency import tube
from instruments.emergency.lines import open_line
from tests.instruments import minix2_packets as known
from tests.instruments.test_minix2_usb import IDENTITY, STATUS, Bus, Plugged, identity
from xraydaq.cli.off import at_once
from xraydaq.cli.off_targets import of_bench, of_sessions
from xraydaq.clock import RealClock
from xraydaq.safety.sessions import Owned, Session

HEAVY = ("pymeasure", "pyvisa", "pint", "pydantic", "numpy", "h5py", "PySide6", "typer", "rich", "platformdirs")
NOBODY = "TCPIP0::127.0.0.1::9::SOCKET"
BENCH = f"""
name = "lab"
[roles.smu]
driver = "keithley2400"   # the source
resource = "{NOBODY}"
baud = 19200
[roles.preamplifier]
driver = "sr570"
resource = "ASRL/dev/ttyUSB1::INSTR"
[roles.tube]
driver = 'minix2'
resource = '{NOBODY}'
frame = "8N1"
[limits]
resource = "no instrument"
"""
TUBE = Owned("tube", "minix2", NOBODY, None, "8N1")
SMU = Owned("smu", "keithley2400", NOBODY, 19200, None)
USB = "USB0::0x10C4::0x842A::12345::RAW"
OFF = known.whole(0x20, 0x02, b"HVSE=OFF;CUSE=OFF;")


@pytest.fixture(autouse=True)
def runtime(tmp_path, monkeypatch):
    folder = tmp_path / "runtime"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    return folder


def written(folder, text):
    path = folder / "bench.toml"
    path.write_text(text)
    return path


def test_it_loads_nothing_that_is_heavy_even_on_its_way_to_an_instrument(tmp_path):
    code = (
        f"import sys; sys.argv = ['xraydaq', 'off', '--bench', {str(written(tmp_path, BENCH))!r}]\n"
        f"from xraydaq.cli.main import main\n"
        f"try: main()\n"
        f"finally: print('loaded', *sorted(set({HEAVY!r}) & set(sys.modules)))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert said.returncode == 9
    assert said.stdout.splitlines()[-1] == "loaded"
    assert said.stdout.count("NOT SHOWN TO BE OFF. off could not be sent: [Errno 111] Connection refused") == 2
    assert "the mains NOW" in said.stdout


@pytest.mark.parametrize("head", ["", "this is [no TOML\n", "x = {\n", "\x00\n"])
def test_tube_and_source_are_found_in_a_bench_file_however_it_is_damaged(tmp_path, head):
    targets, problems = of_bench(written(tmp_path, head + BENCH))
    assert [each.owned for each in targets] == [TUBE, SMU]
    assert len(problems) == (1 if head else 0)


@pytest.mark.parametrize("text", ["", "roles = 3", "[roles]\ntube = 4", "[roles.tube]\nresource = 5", "[[[", "\xff"])
def test_a_file_without_instruments_is_a_problem_and_no_failure(tmp_path, text):
    targets, problems = of_bench(written(tmp_path, text))
    assert targets == []
    assert "neither a tube nor a source" in problems[-1]


def test_a_file_that_is_missing_is_a_problem_and_no_failure(tmp_path):
    assert of_bench(tmp_path / "none.toml") == ([], [f"{tmp_path / 'none.toml'}: No such file or directory"])


def test_a_tube_of_two_sessions_is_switched_off_once_and_other_instruments_never():
    heater = Owned("temperature", "lakeshore335", "ASRL/dev/heater::INSTR", None, None)
    dead = Session(2**22 + 1, 1.8e9, "dead", None, None, (heater, SMU, TUBE))
    found = of_sessions([dead, Session(2**22 + 2, 1.8e9, "other", None, None, (Owned(*("x-rays", *_words(TUBE))),))])
    assert [each.owned.role for each in found] == ["tube"]
    assert [each.owned.role for each in of_sessions([dead])] == ["tube"]


def _words(owned):
    return owned.driver, owned.resource, owned.baud, owned.frame


def test_nothing_found_is_not_off(capsys):
    assert at_once(["off"]) == 9
    assert "nothing is known to be off" in capsys.readouterr().err


def test_a_simulated_bench_has_nothing_that_is_on(capsys):
    assert at_once(["off", "--bench", "simulated"]) == 0
    assert capsys.readouterr().out.count("simulated inside its process") == 2


def test_other_words_are_for_the_command_line(monkeypatch, capsys):
    assert at_once(["off", "--help"]) is None
    assert at_once(["run", "off"]) is None


@pytest.fixture
def on_usb(monkeypatch):
    def plug(*devices):
        monkeypatch.setattr("usb.backend.libusb1.get_backend", lambda *_, **__: Bus(*devices))

    return plug


def test_the_only_tube_on_usb_is_told_off_before_it_is_asked_anything(on_usb):
    device = Plugged(5, {OFF: known.ACK_OK, STATUS: known.STATUS_OPEN})
    on_usb(device)
    line = open_line(USB, tube.WIRING)
    assert device.transfers == []
    tube.write_off(line)
    shown = tube.see_off(line, RealClock())
    line.close()
    assert device.transfers[0] == OFF
    assert set(device.transfers[1:]) == {STATUS}
    assert (shown.is_off, shown.text) == (True, "HV off, 0.0 kV, 0 uA, fault: interlock open")
    assert device.claimed == 0


def test_a_tube_that_stays_on_is_told_again_and_is_not_said_to_be_off(on_usb):
    device = Plugged(5, {OFF: known.ACK_OK, STATUS: known.STATUS_ON})
    on_usb(device)
    line = open_line(USB, tube.WIRING)
    shown = tube.see_off(line, RealClock(), timeout_s=1.0)
    assert not shown.is_off
    assert shown.text.startswith("HV on, ")
    assert device.transfers.count(OFF) >= 2


def test_a_tube_that_says_nothing_is_not_said_to_be_off(on_usb):
    on_usb(Plugged(5, {}))
    shown = tube.see_off(open_line(USB, tube.WIRING), RealClock(), timeout_s=0.3)
    assert (shown.is_off, shown.text) == (False, "it said nothing")


def test_among_devices_of_the_same_numbers_the_tube_is_told_apart(on_usb):
    detector = Plugged(4, {IDENTITY: identity(b"Amptek DP5 - S/N 12345")})
    wanted = Plugged(5, {IDENTITY: known.IDENTITY, OFF: known.ACK_OK, STATUS: known.STATUS_OPEN})
    other = Plugged(6, {IDENTITY: identity(b"Amptek Mini-X2 - S/N 777")})
    on_usb(detector, other, wanted)
    line = open_line(USB, tube.WIRING)
    tube.write_off(line)
    assert tube.see_off(line, RealClock()).is_off
    assert OFF not in detector.transfers + other.transfers
    assert OFF in wanted.transfers


def test_a_tube_that_another_program_has_claimed_is_an_error_that_says_so(on_usb):
    on_usb(Plugged(5, {}, claim_error=OSError(16, "Resource busy")))
    with pytest.raises(OSError, match="busy"):
        open_line(USB, tube.WIRING)


@pytest.mark.parametrize("resource", ["ASRL/dev/none::INSTR", "TCPIP0::127.0.0.1::99999::SOCKET", "what::is::this"])
def test_a_line_that_cannot_be_opened_is_one_kind_of_error(resource):
    with pytest.raises(OSError):
        open_line(resource, tube.WIRING)


def test_the_help_names_the_command():
    said = subprocess.run(
        [sys.executable, "-m", "xraydaq", "off", "--help"], capture_output=True, text=True, check=True
    )
    assert "Switch X-ray tube and source off, now." in said.stdout
