"""What the fault tests know of their bench: how to start it, and what its log says happened when."""

import json
import os
import subprocess
import sys
import tomllib
from contextlib import contextmanager
from pathlib import Path

from instruments.emergency.lines import Wiring, open_line
from instruments.wire.minix2 import text
from xraydaq.clock import RealClock
from xraydaq.guardian.setup import Setup, Wanted
from xraydaq.safety.guard_events import Arm, GuardLimits
from xraydaq.safety.sessions import Owned

HOME = Path(__file__).resolve().parents[2]
START_S = 90.0
POLL_S = 0.02
MARKERS = 5
LIMITS = GuardLimits(max_voltage_v=50e3, max_current_a=200e-6, max_power_w=10.0, max_on_s=600.0, max_dose_gy=10.0)
ARMED = Arm("a tester", attended=True, on_s=100.0, dose_gy=1.0)
BEAM = (10e3, 10e-6)
"""Little: its voltage is gone within a second, so that the next test need not wait."""


def setup_of(roles, folder):
    """Get the setup of a guardian on a served bench; files of its own go to `folder`."""
    others = tuple(
        Owned(name, roles[name]["driver"], roles[name]["resource"], None, roles[name].get("frame"))
        for name in ("smu", "temperature")
        if name in roles
    )
    tube = roles["tube"]
    return Setup(
        "a test", tube["resource"], None, None, tube.get("frame"), Wanted(model="Mini-X2"), LIMITS,
        str(folder / "control.sock"), str(folder / "guardian.jsonl"), others,
    )  # fmt: skip


@contextmanager
def program(*words, **options):
    """Run a Python program that finds this project, and end it whatever happens."""
    path = os.pathsep.join(filter(None, [str(HOME), os.environ.get("PYTHONPATH", "")]))
    started = subprocess.Popen(
        [sys.executable, "-P", *map(str, words)], env=os.environ | {"PYTHONPATH": path}, **options
    )
    try:
        yield started
    finally:
        started.kill()
        started.communicate()


def wait_for(condition, within_s, what):
    """Wait until a condition is true of the world, and get what it gave; fail if it does not come in time."""
    clock = RealClock()
    deadline_s = clock.now() + within_s
    while True:
        found = condition()
        if found:
            return found
        assert clock.now() < deadline_s, f"{what}: not within {within_s} s"
        clock.sleep(POLL_S)


class Bench:
    """A served bench. Times are those of its log; `since` narrows it to what happened after `begin`."""

    def __init__(self, process, log, written):
        self._process = process
        self._log = log
        self._clock = RealClock()
        self._stated = written.with_suffix(".origin")
        wait_for(written.exists, START_S, "the bench is served")
        self.text = written.read_text()
        self.roles = tomllib.loads(self.text)["roles"]
        self._origin_s = self._measured_origin_s()
        self.begin()

    def now_s(self):
        """Get what the log's clock shows now."""
        return self._clock.now() - self._origin_s

    def begin(self):
        """Forget what was before."""
        self._begin_s = self.now_s()

    def events(self, role):
        lines = [json.loads(line) for line in self._log.read_text().splitlines(keepends=True) if line.endswith("\n")]
        return [each for each in lines if each["role"] == role and each["time_s"] >= self._begin_s]

    def received(self, role, part, after_s=0.0):
        """Get when the instrument received messages with this in them."""
        return [
            each["time_s"]
            for each in self.events(role)
            if each["kind"] == "received" and part in each["text"] and each["time_s"] >= after_s
        ]

    def offs(self, after_s=0.0):
        """Get when the tube received off commands."""
        return self.received("tube", text.OFF, after_s)

    def beams(self):
        """Get the moments at which the beam went on or off, and which it was."""
        return [
            (each["time_s"], each["kind"] == "beam on", each["text"])
            for each in self.events("tube")
            if each["kind"].startswith("beam") and not each["text"].endswith("ramp")
        ]

    def switched_on(self):
        return [time_s for time_s, on, _ in self.beams() if on]

    def is_on(self):
        return any(self.beams()) and self.beams()[-1][1]

    def off_at(self, after_s, within_s):
        """Wait for an off command, or the end of the beam, and get when it came."""
        return wait_for(lambda: self.offs(after_s), within_s + 5.0, "an off command")[0]

    def happens(self, *words):
        """Let a fault begin, and get when it did."""
        before_s = self.now_s()
        self._process.stdin.write(" ".join(map(str, words)) + "\n")
        self._process.stdin.flush()
        return before_s

    def does(self, deed):
        """Have the person at the bench do something."""
        with_operator = open_line(self.roles["operator"]["resource"], Wiring(9600))
        at_s = self.now_s()
        with_operator.write(f"DO {deed}\n".encode())
        assert b"DONE" in with_operator.read(5.0)
        with_operator.close()
        return at_s

    def _measured_origin_s(self):
        """Compare clocks: the log's counts from the start of the bench, this process' from that of the computer.

        A bench of this folder says it; for another one it is measured by markers, of which the quickest counts.
        """
        self._begin_s = 0.0
        if self._stated.exists():
            return float(self._stated.read_text())
        found = []
        for number in range(1, MARKERS + 1):
            line = open_line(self.roles["operator"]["resource"], Wiring(9600))
            before_s = self._clock.now()
            line.write(b"*IDN?\n")
            line.read(5.0)
            line.close()
            marks = wait_for(lambda n=number: self.received("operator", "*IDN?")[n - 1 :], START_S, "a marker")
            found.append(before_s - marks[0])
        return max(found)
