from collections import Counter

import pytest

from xraydaq.config import load_run
from xraydaq.soak.drawing import KINDS, TOLERATED, Fault, drawn
from xraydaq.soak.outputs import source_spans
from xraydaq.soak.recipes import write_recipes
from xraydaq.soak.running import trials_of

MANY = 2000


def test_a_trial_is_that_of_its_seed_and_number_alone():
    assert drawn(7, 3) == drawn(7, 3)
    assert len({drawn(7, number) for number in range(1, 50)} | {drawn(8, number) for number in range(1, 50)}) > 90


def test_every_fault_is_drawn_and_some_come_in_pairs():
    trials = [drawn(1, number) for number in range(1, MANY)]
    counts = Counter(fault.kind for trial in trials for fault in trial.faults)
    assert set(counts) == {kind.name for kind in KINDS}
    assert min(counts.values()) > 10
    pairs = [trial for trial in trials if len(trial.faults) == 2]
    assert 0.1 < len(pairs) / len(trials) < 0.2
    assert all(first.kind != second.kind and first.after_s <= second.after_s for first, second in
               (trial.faults for trial in pairs))  # fmt: skip


def test_as_many_trials_are_drawn_as_hold_the_faults():
    numbers = trials_of(1, 30)
    counts = [len(drawn(1, number).faults) for number in numbers]
    assert sum(counts) in (30, 31)
    assert sum(counts[:-1]) < 30


def test_the_recipes_pass_every_check(tmp_path):
    for recipe, path in write_recipes(tmp_path).items():
        config = load_run(path)
        assert ("tube" in config.recipe.parameters.roles) == (recipe in ("lit", "warm-up"))


def test_a_question_about_the_output_does_not_switch_it():
    log = [
        {"time_s": float(second), "role": "smu", "kind": "received", "text": text}
        for second, text in enumerate([":OUTP ON\n", "*ESE 16;*ESE?;:OUTP?;*ESE 0\n", ":ABOR;:OUTP OFF\n"])
    ]
    assert [(span.start_s, span.end_s) for span in source_spans(log)] == [(0.0, 2.0)]


@pytest.mark.parametrize(
    ("kind", "duration_s", "recipe", "is_lit", "lease_s"),
    [
        ("runner SIGKILL", 0.0, "lit", False, 0.0),
        ("guardian SIGTERM", 0.0, "warm-up", False, 0.0),
        ("xraydaq off", 0.0, "lit", False, 0.0),
        ("runner SIGSTOP", 4.0, "lit", True, 0.0),
        ("runner SIGSTOP", 0.5, "lit", True, TOLERATED),
        ("runner SIGSTOP", 4.0, "lit", False, TOLERATED),
        ("interlock_open", 2.0, "lit", True, 0.0),
        ("tube:unplugged", 4.0, "warm-up", True, 0.0),
        ("tube:garbage", 2.0, "lit", True, 0.0),
        ("tube:garbage", 1.0, "lit", True, TOLERATED),
        ("smu:unplugged", 4.0, "lit", True, 0.0),
        ("smu:unplugged", 4.0, "warm-up", True, TOLERATED),
        ("smu:garbage", 4.0, "lit", True, TOLERATED),
        ("disk full", 0.0, "lit", True, 2.5),
        ("folder gone", 0.0, "warm-up", True, TOLERATED),
    ],
)
def test_which_faults_end_a_lease_by_themselves(kind, duration_s, recipe, is_lit, lease_s):
    assert Fault(kind, duration_s, 0.0).lease_s(recipe, is_lit=is_lit, is_guarded=True) == lease_s
