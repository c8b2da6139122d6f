import json
import subprocess
import sys
from types import SimpleNamespace

import pytest
import serial.tools.list_ports

from tests.cli.conftest import HOME
from xraydaq.bench.ports import NETWORK, UNKNOWN, guess

BENCH = """
name = "mine"
[roles.smu]
driver = "keithley2400"
resource = "ASRL/dev/ttyUSB7::INSTR"
[limits]
max_bias = "25 V"
max_current = "1 mA"
"""
WATCHED = """
import sys
def watch(event, arguments):
    outward = event.startswith("socket.") and event not in ("socket.__new__", "socket.gethostname")
    port = event == "open" and str(arguments[0]).startswith(("/dev/tty", "/dev/bus", "/dev/gpib"))
    if outward or port:
        print("TOUCHED", event, arguments, flush=True)
sys.addaudithook(watch)
{act}
"""
LIST = 'sys.argv = ["xraydaq", "bench", "list"]; from xraydaq.cli.main import main; main()'
KNOCK = 'import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b"", ("127.0.0.1", 9))'


@pytest.fixture
def plugged_in(monkeypatch):
    """What the operating system says of its serial ports."""

    def plug(*ports):
        found = [
            SimpleNamespace(device=device, description=text, vid=vid, pid=pid) for device, text, vid, pid in ports
        ]
        monkeypatch.setattr(serial.tools.list_ports, "comports", lambda: found)

    return plug


CABLES = (
    ("/dev/ttyUSB7", "FT232R USB UART", 0x0403, 0x6001),
    ("/dev/ttyACM0", "n/a", 0x1FB9, 0x0300),
    ("/dev/ttyS0", "n/a", None, None),
)


def test_every_serial_port_is_listed_with_what_it_probably_is(xraydaq, plugged_in):
    plugged_in(*CABLES)
    said = xraydaq("bench", "list")
    assert (said.code, said.err) == (0, "")
    shown = [line.split(maxsplit=2) for line in said.out.splitlines() if line.startswith("serial")]
    assert [line[1] for line in shown] == [
        f"ASRL{port}::INSTR" for port in ("/dev/ttyACM0", "/dev/ttyS0", "/dev/ttyUSB7")
    ]
    assert [line[2].split()[0] for line in shown] == ["Lake", "unknown", "FTDI:"]
    assert shown[2][2].endswith("FT232R USB UART")


def test_a_role_on_the_network_is_listed_as_the_bench_file_says_and_not_looked_for(xraydaq, plugged_in, workplace):
    plugged_in(*CABLES)
    (workplace / "mine.toml").write_text(BENCH.replace("ASRL/dev/ttyUSB7::INSTR", "TCPIP0::127.0.0.1::9::SOCKET"))
    said = xraydaq("bench", "list", "--bench", "mine.toml")
    assert (said.code, said.err) == (0, "")
    (line,) = [each for each in said.out.splitlines() if "TCPIP0::127.0.0.1::9::SOCKET" in each]
    assert line.startswith("bench file")
    assert "role smu" in line


def test_a_port_that_a_bench_file_names_is_shown_with_its_role(xraydaq, plugged_in, workplace):
    plugged_in(*CABLES)
    (workplace / "mine.toml").write_text(BENCH)
    said = xraydaq("bench", "list", "--bench", "mine.toml", "--json")
    assert (said.code, said.err) == (0, "")
    roles = {each["resource"]: each["role"] for each in json.loads(said.out)["found"] if each["kind"] == "serial"}
    assert roles == {
        "ASRL/dev/ttyACM0::INSTR": None,
        "ASRL/dev/ttyS0::INSTR": None,
        "ASRL/dev/ttyUSB7::INSTR": "smu",
    }


def test_what_cannot_be_listed_is_said_with_the_fix_and_is_no_error(xraydaq, monkeypatch):
    monkeypatch.setattr(serial.tools.list_ports, "comports", _fail)
    said = xraydaq("bench", "list", "--json")
    assert (said.code, said.err) == (0, "")
    problems = json.loads(said.out)["not_listed"]
    assert "serial ports cannot be listed: no such thing here" in problems
    assert problems[-1] == NETWORK
    said = xraydaq("bench", "list")
    assert said.out.splitlines()[-1] == f"not listed: {NETWORK}"


def _fail():
    raise OSError("no such thing here")


@pytest.mark.parametrize(
    ("vendor", "product", "begins"),
    [
        (0x10C4, 0x842A, "Amptek"),
        (0x10C4, 0xEA60, "Silicon Labs"),
        (0x1FB9, 0x0300, "Lake Shore 335"),
        (0x1234, 0x0300, UNKNOWN),
        (None, None, UNKNOWN),
    ],
)
def test_a_product_is_told_from_the_others_of_its_vendor(vendor, product, begins):
    assert guess(vendor, product).startswith(begins)


def test_nothing_is_opened_and_nothing_is_sent():
    assert "TOUCHED" not in _watched(LIST)
    assert "TOUCHED socket.sendto" in _watched(KNOCK)  # the watch does see it


def _watched(act):
    done = subprocess.run(
        [sys.executable, "-c", WATCHED.format(act=act)], cwd=HOME, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_a_bench_file_that_does_not_exist_is_named(xraydaq):
    said = xraydaq("bench", "list", "--bench", "nowhere.toml")
    assert (said.code, said.err) == (2, "error: nowhere.toml: file not found; check the path\n")
