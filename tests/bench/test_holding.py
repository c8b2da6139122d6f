"""One owner per instrument: the second is told who has it, and gets it when the first has gone, however it went."""

import os
import subprocess
import sys

import pytest

from xraydaq.bench.holding import held
from xraydaq.errors import BusyError
from xraydaq.safety.locks import is_free, one_name, owner_of

HOLDER = """
import signal, sys
from xraydaq.safety.locks import held
with held(sys.argv[1], "a long run"):
    print("held", flush=True)
    signal.pause()
"""
BENCH = """
name = "lab"
[roles.tube]
driver = "minix2"
resource = "ASRL{port}::INSTR"
frame = "8N1"
[limits]
max_bias = "20 V"
max_current = "1 mA"
max_tube_voltage = "50 kV"
max_tube_current = "200 uA"
max_tube_power = "10 W"
"""


@pytest.fixture(autouse=True)
def runtime(tmp_path, monkeypatch):
    folder = tmp_path / "runtime"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    return folder


@pytest.fixture
def hold():
    started = []

    def start(resource):
        started.append(subprocess.Popen([sys.executable, "-c", HOLDER, resource], stdout=subprocess.PIPE, text=True))
        assert started[-1].stdout.readline() == "held\n"
        return started[-1]

    yield start
    for program in started:
        program.kill()
        program.communicate()


def test_a_second_program_is_told_who_has_the_instrument_and_since_when(hold):
    program = hold("GPIB0::24::INSTR")
    with pytest.raises(BusyError, match=rf"process {program.pid} \(a long run\) since 20\d\d-\d\d-\d\d ") as refused:
        held("gpib::24").__enter__()
    assert refused.value.exit_code == 5


def test_an_instrument_whose_owner_was_killed_is_free(hold):
    program = hold("GPIB0::24::INSTR")
    assert not is_free("GPIB0::24::INSTR")
    program.kill()
    program.wait()
    assert is_free("GPIB0::24::INSTR")
    with held("GPIB0::24::INSTR"):
        assert owner_of("GPIB0::24::INSTR").pid == os.getpid()
    assert owner_of("GPIB0::24::INSTR") is None


def test_a_second_program_sends_not_one_byte_to_a_port_that_is_held(hold, tmp_path):
    far, near = os.openpty()
    os.set_blocking(far, False)
    try:
        (tmp_path / "bench.toml").write_text(BENCH.format(port=os.ttyname(near)))
        program = hold(f"ASRL{os.ttyname(near)}::INSTR")
        words = ("-m", "xraydaq", "bench", "identify", "--bench", str(tmp_path / "bench.toml"))
        said = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False)
        assert said.returncode == 5, said
        assert f"process {program.pid} (a long run) since" in said.stdout
        with pytest.raises(BlockingIOError):
            os.read(far, 1)
    finally:
        os.close(far)
        os.close(near)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("GPIB0::24::INSTR", "gpib::24"),
        ("TCPIP0::Bench-PC::1234::SOCKET", "TCPIP::bench-pc::1234::socket"),
        ("TCPIP0::localhost::1234::SOCKET", "TCPIP0::127.0.0.1::1234::SOCKET"),
        ("USB0::0x10C4::0x842A::777::0::RAW", "USB::4292::33834::777::raw"),
        ("ASRL/dev/ttyUSB0::INSTR", "asrl/dev/ttyUSB0"),
    ],
)
def test_two_spellings_of_one_instrument_are_one_lock(one, other):
    with held(one), pytest.raises(BusyError):
        held(other).__enter__()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("GPIB0::24::INSTR", "GPIB1::24::INSTR"),
        ("GPIB0::2::INSTR", "GPIB0::24::INSTR"),
        ("ASRL/dev/ttyUSB0::INSTR", "ASRL/dev/ttyusb0::INSTR"),
        ("TCPIP0::a::1::SOCKET", "TCPIP0::a::2::SOCKET"),
        ("USB0::0x10C4::0x842A::777::0::RAW", "USB0::0x10C4::0x842A::778::0::RAW"),
    ],
)
def test_two_instruments_are_two_locks(one, other):
    assert one_name(one) != one_name(other)
    with held(one), held(other):
        pass


def test_a_serial_port_is_one_under_every_link_to_it(tmp_path):
    port, by_id = tmp_path / "ttyUSB0", tmp_path / "usb-Amptek"
    port.touch()
    by_id.symlink_to(port)
    with held(f"ASRL{port}::INSTR"), pytest.raises(BusyError):
        held(f"ASRL{by_id}::INSTR").__enter__()
