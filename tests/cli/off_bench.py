"""A served bench, and a program of its own that has tube and source on it and then fails in some way."""

import json
import os
import re
import socket
import stat
import subprocess
import sys
from pathlib import Path

from xraydaq.clock import RealClock
from xraydaq.config import load_bench

HOME = Path(__file__).resolve().parents[2]
OFF_TEXT = "HVSE=OFF;CUSE=OFF;"
OFF_PACKET = b"\xf5\xfa\x20\x02\x00\x12HVSE=OFF;CUSE=OFF;"
"""Without its checksum (Amptek Programmer's Guide Rev B3, text configuration)."""

START_S = 60.0

OWNER = """
import os, signal, sys
from contextlib import ExitStack
from pathlib import Path
from xraydaq.bench.opening import open_role
from xraydaq.clock import RealClock
from xraydaq.config import load_bench
from xraydaq.safety.sessions import Owned, Session, announced
from instruments.keithley2400 import SourceVoltageSettings

manner, clock, bench = sys.argv[1], RealClock(), load_bench(Path("served.toml"))
names = ("tube",) if manner == "deaf" else ("tube", "smu")
if manner == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
owned = tuple(
    Owned(name, bench.roles[name].driver, bench.roles[name].resource, bench.roles[name].baud, bench.roles[name].frame)
    for name in names
)
session = Session(os.getpid(), clock.utc(), "test of off", None, None, owned)
with ExitStack() as stack:
    stack.enter_context(announced(session))
    tube = stack.enter_context(open_role("tube", bench, None, clock))
    if "smu" in names:
        smu = stack.enter_context(open_role("smu", bench, None, clock))
        smu.safe_off()
        smu.configure(SourceVoltageSettings(20.0, 1e-5, 1e-4, nplc=1, line_frequency_hz=50.0))
        smu.output_enabled = True
    tube.set_output(30e3, 50e-6)
    print("on", flush=True)
    while True:
        try:
            tube.status()
            clock.sleep(0.05)
        except Exception as error:
            print(error, file=sys.stderr)
"""


def environment(folder):
    return os.environ | {"PYTHONPATH": str(HOME), "XDG_RUNTIME_DIR": str(folder), "USER": "somebody"}


def runtime(folder):
    made = folder / "runtime"
    made.mkdir(mode=stat.S_IRWXU)
    return made


class Served:
    """A bench that `xraydaq sim serve` serves in `folder`; the log is the only witness."""

    def __init__(self, folder):
        self.folder, self.started = folder, []
        self.runtime = runtime(folder)
        words = ["sim", "serve", "--write", "served.toml", "--log", "bench.jsonl", "--speed", "1"]
        program = self.start(sys.executable, "-P", "-m", "xraydaq", *words)
        assert program.stdout.readline().startswith("serving"), program.stderr.read()
        self.bench = load_bench(folder / "served.toml")

    def start(self, *words):
        program = subprocess.Popen(
            words, cwd=self.folder, env=environment(self.runtime), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self.started.append(program)
        return program

    def owner(self, manner):
        """Start a program that has the tube on when this returns."""
        program = self.start(sys.executable, "-P", "-c", OWNER, manner)
        assert program.stdout.readline() == "on\n", program.communicate()[1]
        return program

    def off(self, *words):
        """Run `xraydaq off` behind a marker in the log; gives exit code, output, and what the log has since."""
        start_s = self.mark()
        command = (sys.executable, "-P", "-m", "xraydaq", "off", *map(str, words))
        program = subprocess.run(
            command, cwd=self.folder, env=environment(self.runtime), text=True, capture_output=True,
            check=False, timeout=START_S,
        )  # fmt: skip
        since = [line | {"after_s": line["time_s"] - start_s} for line in self.log() if line["time_s"] >= start_s]
        return program.returncode, program.stdout + program.stderr, since

    def mark(self):
        """Say something to the dosimeter and get when it was heard, by the clock of the bench."""
        port = int(re.findall(r"\d+", self.bench.roles["dosimeter"].resource)[-1])
        known, deadline_s = (self.folder / "bench.jsonl").stat().st_size, RealClock().now() + START_S
        with socket.create_connection(("127.0.0.1", port)) as line:
            line.sendall(b"#1 PING\n")
            line.recv(100)
        while RealClock().now() < deadline_s:
            new = self.log(known)
            heard = [each for each in new if (each["role"], each["kind"]) == ("dosimeter", "received")]
            if heard:
                return heard[0]["time_s"]
        raise AssertionError("the marker was not heard")

    def log(self, start=0):
        """Read the log from the line that holds byte `start`."""
        with (self.folder / "bench.jsonl").open("rb") as file:
            file.seek(max(0, start - 1))
            lines = file.read().split(b"\n")
        return [json.loads(line) for line in lines[1 if start else 0 : -1]]

    def end(self, program):
        program.kill()
        program.communicate()
        self.started.remove(program)

    def close(self):
        for program in self.started:
            program.kill()
            program.communicate()


def of_tube(lines, kind):
    return [line for line in lines if (line["role"], line["kind"]) == ("tube", kind)]


def heard(lines, role):
    return "".join(line["text"] for line in lines if (line["role"], line["kind"]) == (role, "received"))
