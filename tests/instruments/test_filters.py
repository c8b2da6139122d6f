"""Filters change only in the dark, only as listed, and are known only when somebody confirmed them."""

import math

import pytest

from instruments.filters import ChangerFilterHolder, OperatorFilterHolder
from instruments.sim.filters import SimFilterHolder
from xraydaq.clock import JumpingClock
from xraydaq.errors import InstrumentError, InstrumentTimeout, LimitError, Refused

THICKNESSES_M = (0.0, 0.5e-3, 10e-3)


class Bench:
    """A tube that is off or on, a person who types, and time that passes while they do."""

    def __init__(self):
        self.clock = JumpingClock()
        self.dark = True
        self.lines = []
        self.shown = []
        self.takes_s = 30.0
        self.after = lambda: None

    def ask(self, prompt):
        self.shown.append(prompt)
        self.clock.sleep(self.takes_s)
        self.after()
        return self.lines.pop(0)

    def operator(self):
        return OperatorFilterHolder(
            self.ask, clock=self.clock, thicknesses_m=THICKNESSES_M, beam_is_off=lambda: self.dark, timeout_s=100.0
        )

    def changer(self, change):
        return ChangerFilterHolder(
            change, clock=self.clock, thicknesses_m=THICKNESSES_M, beam_is_off=lambda: self.dark
        )


@pytest.fixture
def bench():
    return Bench()


def test_nothing_is_known_before_somebody_confirmed_it(bench):
    assert bench.operator().mounted is None
    assert bench.changer(print).mounted is None


def test_what_the_label_says_is_what_counts(bench):
    bench.lines = ["10 mm"]
    mounted = bench.operator().mount(10e-3)
    assert (mounted.thickness_m, mounted.material, mounted.confirmed_s) == (10e-3, "Al", 30.0)
    assert "10 mm Al" in bench.shown[0]


@pytest.mark.parametrize("typed", ["none", "None", "0 mm"])
def test_an_empty_holder_is_confirmed_as_such(bench, typed):
    bench.lines = [typed]
    assert bench.operator().mount(0.0).thickness_m == 0.0


def test_a_mere_yes_or_another_filter_is_asked_again(bench):
    bench.lines = ["yes", "0.5 mm", "1 cm"]
    assert bench.operator().mount(10e-3).thickness_m == 10e-3
    assert bench.shown[2].startswith("500 um is not 10 mm")


def test_wrong_answers_leave_the_filter_unknown(bench):
    holder = bench.operator()
    bench.lines = ["none", *["10 mm"] * 5]
    holder.mount(0.0)
    bench.takes_s = 1.0
    with pytest.raises(InstrumentError):
        holder.mount(0.5e-3)
    assert holder.mounted is None


def test_an_answer_that_comes_too_late_does_not_count(bench):
    bench.takes_s = 100.5
    bench.lines = ["10 mm"]
    holder = bench.operator()
    with pytest.raises(InstrumentTimeout):
        holder.mount(10e-3)
    assert holder.mounted is None


@pytest.mark.parametrize("dark", [False, None, 1])
def test_nobody_is_sent_to_the_filters_under_a_beam(bench, dark):
    bench.dark = dark
    changed = []
    for holder in (bench.operator(), bench.changer(changed.append)):
        with pytest.raises(Refused):
            holder.mount(10e-3)
    assert bench.shown == []
    assert changed == []


def test_a_beam_that_comes_on_meanwhile_makes_it_unknown(bench):
    bench.lines = ["10 mm"]
    bench.after = lambda: setattr(bench, "dark", False)
    holder = bench.operator()
    with pytest.raises(Refused):
        holder.mount(10e-3)
    assert holder.mounted is None


def test_nobody_is_asked_again_once_the_beam_is_on(bench):
    bench.lines = ["yes", "10 mm"]
    bench.after = lambda: setattr(bench, "dark", False)
    with pytest.raises(Refused):
        bench.operator().mount(10e-3)
    assert len(bench.shown) == 1


def test_a_changer_under_a_beam_that_comes_on_meanwhile_leaves_the_filter_unknown(bench):
    holder = bench.changer(lambda thickness_m: setattr(bench, "dark", thickness_m < 1e-3))
    holder.mount(0.5e-3)
    with pytest.raises(Refused):
        holder.mount(10e-3)
    assert holder.mounted is None


@pytest.mark.parametrize("thickness_m", [1e-3, -0.5e-3, math.nan, math.inf])
def test_only_what_the_bench_lists_is_asked_for(bench, thickness_m):
    changed = []
    for holder in (bench.operator(), bench.changer(changed.append)):
        with pytest.raises(LimitError):
            holder.mount(thickness_m)
    assert bench.shown == []
    assert changed == []


def test_the_simulated_changer_has_the_metal_in_the_beam(bench):
    metal = SimFilterHolder(seed=3)
    holder = bench.changer(lambda thickness_m: setattr(metal, "mounted_m", thickness_m))
    assert holder.mount(10e-3).thickness_m == 10e-3
    assert metal.mounted_m == 10e-3


def test_a_changer_that_fails_leaves_the_filter_unknown(bench):
    def change(thickness_m):
        if thickness_m > 1e-3:
            raise InstrumentError("stuck")

    holder = bench.changer(change)
    holder.mount(0.5e-3)
    with pytest.raises(InstrumentError, match="stuck"):
        holder.mount(10e-3)
    assert holder.mounted is None


@pytest.mark.parametrize("thicknesses_m", [(), (-1e-3,), (math.nan,), (1e-3, 1e-3), (1.0,)])
def test_a_list_that_cannot_be_is_refused(bench, thicknesses_m):
    for kind, first in ((OperatorFilterHolder, bench.ask), (ChangerFilterHolder, print)):
        with pytest.raises(LimitError):
            kind(first, clock=bench.clock, thicknesses_m=thicknesses_m, beam_is_off=lambda: True)
