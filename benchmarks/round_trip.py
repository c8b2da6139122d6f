"""What a driver adds to a question over TCP, and what a long burst takes to read.

``python benchmarks/round_trip.py``; see README.md for what is counted and what is not.
"""

import resource
import statistics
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import pyvisa  # noqa: E402
from burst_replies import ELEMENTS, POINTS, binary_reply, text_reply  # noqa: E402
from measuring import environment  # noqa: E402

from instruments.connect import open_adapter  # noqa: E402
from instruments.keithley2400 import LINE, Keithley2400  # noqa: E402
from instruments.keithley2400.link import Link  # noqa: E402
from instruments.wire.keithley2400 import parse_readings  # noqa: E402
from instruments.wire.keithley2400.stream import BlockReader  # noqa: E402
from xraydaq.clock import RealClock  # noqa: E402

ROUNDS = 400
WARM_UP = 50
BURSTS = 30
RATIO_TARGET = 1.5
BURST_TARGET_S = 5e-3
SPEEDS = (1.0, 100.0)
"""At 1 the imitated instrument takes its 3 ms to answer; at 100 that time is gone and what programs cost is left."""

BENCH = """
name = "round trip"
[roles.smu]
driver = "keithley2400"
resource = "SIM::smu"
[limits]
max_bias = "25 V"
max_current = "1 mA"
[twin]
device = "atomistic"
"""
"""No other instrument, whose world would have to be computed a hundred times as fast as it happens."""

BARE = "bare echo, pyvisa-py"
ONE_SETTING = "*ESE 20;*ESE?;:OUTP?;*ESE 0"  # what the driver sends to ask for one setting

BARE_ECHO = """
import socket
listening = socket.create_server(("127.0.0.1", 0))
print(listening.getsockname()[1], flush=True)
host, _ = listening.accept()
host.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
while data := host.recv(65536):
    host.sendall(data)
"""
"""Nothing could answer sooner: what has come goes back at once."""


def main() -> None:
    """Measure and print; nothing fails, a slow computer least of all."""
    for name, seconds in bursts().items():
        print(f"{POINTS} readings as {name:8} {seconds * 1e3:6.2f} ms  (target {BURST_TARGET_S * 1e3:g} ms)")
    for speed in SPEEDS:
        print(f"round trips over TCP, {speed:g} s of the bench in one second (target of the driver: {RATIO_TARGET:g})")
        medians_s = round_trips(speed)
        for name, seconds in medians_s.items():
            print(f"  {name:34} {seconds * 1e6:7.1f} us  {seconds / medians_s[BARE]:5.2f}")


def bursts() -> dict[str, float]:
    """Get the processor time from the bytes of a whole burst to its readings, the least of `BURSTS`."""
    text, block = text_reply(), binary_reply()
    ways: dict[str, Callable[[], Any]] = {
        "ASCII": lambda: parse_readings(text.decode("ascii").rstrip("\n"), ELEMENTS),
        "REAL,32": lambda: BlockReader(ELEMENTS, "big", POINTS).feed(block),
    }
    for way in ways.values():
        if len(way()) != POINTS:
            raise RuntimeError("a burst that is not whole measures nothing")
    return {name: min(timed(way, processor_s) for _ in range(BURSTS)) for name, way in ways.items()}


def round_trips(speed: float) -> dict[str, float]:
    """Get the median of each kind of question; all kinds take turns, so that they meet the same computer."""
    with ExitStack() as stack:
        manager = pyvisa.ResourceManager("@py")
        stack.callback(manager.close)
        bare = _opened(stack, manager, stack.enter_context(echo_server()))
        link = Link(open_adapter(stack.enter_context(echo_server()), LINE), "echo")
        stack.callback(link.close)
        plain = _opened(stack, manager, stack.enter_context(served_keithley(speed)))
        smu = Keithley2400(
            open_adapter(stack.enter_context(served_keithley(speed)), LINE), clock=RealClock(), max_bias_v=0.0
        )
        stack.callback(smu.close)
        ways: dict[str, Callable[[], Any]] = {
            BARE: lambda: bare.query("*IDN?"),
            "bare echo, driver": lambda: link.ask("*IDN?", str),
            "simulator, pyvisa-py, identity": lambda: plain.query("*IDN?"),
            "simulator, driver, identity": smu.identify,
            "simulator, pyvisa-py, one setting": lambda: plain.query(ONE_SETTING),
            "simulator, driver, one setting": lambda: smu.output_enabled,
        }
        now = RealClock().now
        times_s: dict[str, list[float]] = {name: [] for name in ways}
        for turn in range(WARM_UP + ROUNDS):
            for name, way in ways.items():
                taken_s = timed(way, now)
                if turn >= WARM_UP:
                    times_s[name].append(taken_s)
    return {name: statistics.median(each) for name, each in times_s.items()}


def _opened(stack: ExitStack, manager: Any, resource: str) -> Any:
    opened = manager.open_resource(resource, read_termination="\n", write_termination="\n", timeout=3000)
    stack.callback(opened.close)
    return opened


def processor_s() -> float:
    """Get the processor time this process has used, which other programs do not lengthen by waiting."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def timed(way: Callable[[], object], now: Callable[[], float]) -> float:
    """Get how long one call takes."""
    begin_s = now()
    way()
    return now() - begin_s


@contextmanager
def echo_server() -> Iterator[str]:
    """Serve a bare echo in a process of its own."""
    with subprocess.Popen([sys.executable, "-c", BARE_ECHO], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"TCPIP0::127.0.0.1::{int(process.stdout.readline())}::SOCKET"
        finally:
            process.terminate()


@contextmanager
def served_keithley(speed: float) -> Iterator[str]:
    """Serve the simulated bench as its users do, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        simulated, bench = Path(folder) / "bench.toml", Path(folder) / "served.toml"
        simulated.write_text(BENCH)
        serving = [sys.executable, "-m", "xraydaq", "sim", "serve"]
        serving += ["--bench", str(simulated), "--speed", f"{speed:g}", "--write", str(bench)]
        with subprocess.Popen(serving, stdout=subprocess.PIPE, text=True, env=environment()) as process:
            assert process.stdout is not None
            try:
                if not process.stdout.readline():
                    raise RuntimeError("the simulated bench did not start")
                yield tomllib.loads(bench.read_text())["roles"]["smu"]["resource"]
            finally:
                process.terminate()


if __name__ == "__main__":
    main()
