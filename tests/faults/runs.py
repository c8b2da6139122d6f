"""``xraydaq run`` as a program of its own on the served bench: what a user starts, and what is seen of it."""

import json
import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from itertools import pairwise

from tests.faults.bench import HOME, wait_for
from xraydaq.clock import RealClock
from xraydaq.storage import read_run

SAFETY = '\n[safety]\nunattended_beam = true\ncountdown = "0 s"\n'
NAME = "a tester"
STARTS_S = 120.0
ENDS_S = 90.0
RAMP_V_S = 5.0
LIT_SOON = (
    "bias=5 V", f"ramp_rate={RAMP_V_S:g} V/s", "settle_duration=0 s", "cycles=4", "half_period=7 s", "period=50 ms",
    'tube_currents=["194 uA"]',
)  # fmt: skip
"""Of a photoresponse: the beam is on some seconds after the start, to condition the tube."""

READ_SOON = (*LIT_SOON, "warm_up_duration=0 s")
"""The first beam is one that readings are taken in, after a dark window."""

RECIPE = """\
procedure = "photoresponse"
title = "of a test"
sample = "{home}/configs/samples/atomistic.toml"
calibration = "{home}/configs/calibrations/simulated_50kv.toml"

[parameters]
bias = "5 V"
compliance = "50 uA"
current_range = "1 uA"
line_frequency = "50 Hz"
"""


class Run:
    """One run: its process, its folder, what it said."""

    def __init__(self, bench, folder, process, said):
        self.bench = bench
        self.process = process
        self._runs = folder / "runs"
        self._said = said

    @property
    def folder(self):
        """Get the run's own folder."""
        return wait_for(self._folders, STARTS_S, "the run has a folder")[0]

    @property
    def said(self):
        """Get all that it wrote to its terminal so far."""
        return self._said.read_text()

    def lit(self):
        """Wait until its beam is on, and get when it went on."""
        wait_for(self._is_lit_or_over, STARTS_S, "the run's beam is on")
        assert self.process.poll() is None, self.said
        return self.bench.switched_on()[-1]

    def _is_lit_or_over(self):
        return self.bench.is_on() or self.process.poll() is not None

    def told(self, number):
        """Send it a signal and get when that was."""
        at_s = self.bench.now_s()
        self.process.send_signal(number)
        return at_s

    def ended(self):
        """Wait for its end and get its exit code."""
        return self.process.wait(ENDS_S)

    def stored(self):
        """Get what it has stored."""
        return read_run(self.folder)

    def events(self, kind):
        return [event for event in self.stored().events if event.kind == kind]

    def guardian(self, kind):
        """Get what the guardian's log says of this kind."""
        lines = (self._runs / "guardian.jsonl").read_text().splitlines()
        return [each["text"] for each in map(json.loads, lines) if each["kind"] == kind]

    def _folders(self):
        return sorted(each for each in self._runs.glob("*") if each.is_dir() and not each.name.startswith("."))


@contextmanager
def running(bench, folder, settings, *words, altered="", safety=SAFETY, recipe=RECIPE, name=NAME):
    """Run a recipe on the bench; whatever happens, the process ends with this block.

    `altered` names an alteration of the program, in `altered.py`.
    """
    folder.mkdir(exist_ok=True)
    bench_file, recipe_file, said = folder / "bench.toml", folder / "recipe.toml", folder / "said.txt"
    bench_file.write_text(bench.text + safety)
    recipe_file.write_text(recipe.format(home=HOME))
    start = [str(HOME / "tests/faults/altered.py"), altered] if altered else ["-m", "xraydaq"]
    command = [
        sys.executable, "-P", *start, "run", str(recipe_file), "--bench", str(bench_file),
        "--out", str(folder / "runs"), *(f"--set={each}" for each in settings), *words,
    ]  # fmt: skip
    if name:
        command += ["--arm-as", name]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, [str(HOME), os.environ.get("PYTHONPATH")]))}
    with said.open("w") as written:
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=written, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
    try:
        yield Run(bench, folder, process, said)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            process.wait()


def program(*words, timeout_s=ENDS_S):
    """Run the program to its end; get exit code, what it said, and how long it took."""
    clock = RealClock()
    begin_s = clock.now()
    done = subprocess.run(
        [sys.executable, "-P", "-m", "xraydaq", *map(str, words)], stdin=subprocess.DEVNULL, capture_output=True,
        text=True, timeout=timeout_s, env=os.environ | {"PYTHONPATH": str(HOME)}, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr, clock.now() - begin_s


def slowness():
    """Get how much longer than its processor time a process takes here at this moment; 1 where there is time for it.

    For limits on what costs processor time; off is never allowed more.
    """
    before, begin_s = os.times(), RealClock().now()
    subprocess.run([sys.executable, "-c", "import json, typing, inspect, decimal"], check=True)
    after, took_s = os.times(), RealClock().now() - begin_s
    used_s = after.children_user + after.children_system - before.children_user - before.children_system
    return max(1.0, took_s / used_s)


def levels_v(bench, after_s=0.0):
    """Get (time, bias) that the source was set to."""
    found = [
        (each["time_s"], re.search(r":SOUR:VOLT ([-+.0-9E]+)\n", each["text"]))
        for each in bench.events("smu")
        if each["kind"] == "received" and each["time_s"] >= after_s
    ]
    return [(time_s, float(match[1])) for time_s, match in found if match]


def output_off_s(bench, after_s):
    """Get when the source was told to switch its output off; wait for it."""
    return wait_for(lambda: bench.received("smu", ":OUTP OFF", after_s), 20.0, "the output is off")[0]


def assert_ramped_down(bench, after_s):
    """See that the bias went to zero by steps, at the recipe's rate, and the output off after it; get when it was."""
    off_s = output_off_s(bench, after_s)
    steps = [(time_s, level_v) for time_s, level_v in levels_v(bench, after_s) if time_s <= off_s]
    assert len(steps) >= 8, steps
    assert steps[-1][1] == 0.0
    assert all(abs(later) < abs(sooner) for (_, sooner), (_, later) in pairwise(steps))
    assert steps[-1][0] - steps[0][0] > 0.8 * (5.0 / RAMP_V_S - 0.2)
    return off_s
