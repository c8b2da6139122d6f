import json
import subprocess
import sys

import pytest

from xraydaq.soak.drawing import drawn

WANTED = {"guardian SIGKILL", "runner SIGKILL", "disk full"}


def seed_with(kinds):
    """Find a seed whose first three trials are these faults, one each, in the beam."""
    for seed in range(100_000):
        trials = [drawn(seed, number) for number in (1, 2, 3)]
        if all(trial.anchor == "lit" and trial.recipe == "lit" for trial in trials):
            found = [fault.kind for trial in trials for fault in trial.faults]
            if len(found) == 3 and set(found) == kinds:
                return seed
    raise AssertionError("no such seed")


@pytest.mark.long
def test_a_soak_of_three_faults_in_the_beam_finds_nothing_and_each_run_says_what_it_is(tmp_path):
    words = ["soak", "--faults", "3", "--seed", seed_with(WANTED), "--benches", "2", "--out", tmp_path / "soak"]
    done = subprocess.run(
        [sys.executable, "-P", "-m", "xraydaq", *map(str, words)],
        capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    records = [json.loads(line) for line in (tmp_path / "soak/soak.jsonl").read_text().splitlines()]
    assert {each["faults"][0] for each in records} == WANTED
    assert all(each["lit_s"] > 0 and each["rows"] > 0 for each in records)
    states = {each["faults"][0]: each["state"] for each in records}
    assert states == {"guardian SIGKILL": "failed", "runner SIGKILL": "interrupted", "disk full": "failed"}
    assert "3 faults in 3 runs" in done.stdout
