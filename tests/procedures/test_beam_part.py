"""The beam of a procedure, judged by what the simulated tube, the crystal and the filter holder saw."""

import numpy as np
import pytest

from instruments.sim.bench import SimBench
from instruments.sim.deeds import begin
from instruments.sim.faults import TimedFault
from instruments.sim.twin import Crystal
from procedures.chopping import chopped_points
from tests.procedures.parts_bench import BEAM, BIAS_V, parts
from xraydaq.errors import InstrumentError, Refused, SafetyTrip, StoppedByUser

FOREVER_S = 1e9
DAYS_S = 2 * 86400.0
SILENCE_S = 2.0
"""Of its host, after which the simulated tube goes off by itself."""

UNSEEN_S = 0.75
"""Longest time between two looks: half a second, and the reading that is being taken then."""

EXCHANGE_S = 0.1
"""A command and its acknowledgement take milliseconds; the tube is busy for 0.1 s after the one before."""


def restarts_when_its_lid_closes(rig):
    """Make the tube one that keeps its set-points over an open interlock."""
    controller = rig.tube.controller
    object.__setattr__(controller.unit, "restarts_when_closed", True)


def light_again(procedure):
    procedure.beam.on(BEAM.voltage_v, BEAM.current_a)
    procedure.record(3.0)


def bug(rig, lit_s):
    raise ZeroDivisionError


def stop(rig, lit_s):
    rig.stop.set()


def shorted_crystal(rig, lit_s):
    begin(rig.world, "compliance", lit_s)


def failing_source(rig, lit_s):
    rig.world.links["smu"].add_fault(TimedFault("garbage", lit_s, lit_s + 0.4))


@pytest.mark.parametrize(
    ("happens", "ends"),
    [
        (lambda rig, lit_s: None, type(None)),
        (bug, ZeroDivisionError),
        (stop, StoppedByUser),
        (shorted_crystal, SafetyTrip),
        (failing_source, InstrumentError),
    ],
    ids=["its end", "a bug", "a stop", "a safety trip", "a failing source"],
)
def test_whatever_ends_a_run_in_the_beam_the_tube_is_off_first_and_at_once(monkeypatch, happens, ends):
    biases = []
    set_bias = Crystal.set_bias
    monkeypatch.setattr(Crystal, "set_bias", lambda *seen: (biases.append(seen[1:]), set_bias(*seen))[1])
    with parts(on_bad_reading="fail") as rig:

        def in_the_middle(row):
            if len(rig.rows) == 5:
                happens(rig, rig.clock.now())

        rig.on_row = in_the_middle
        error = rig.run(lambda procedure: procedure.lit(2.0))
        assert type(error) is ends
        assert rig.failures == ()
        last_s = rig.emitted_s[-1]
        assert rig.lit_after_s(last_s) < 0.5
        off_s = last_s + rig.lit_after_s(last_s)
        assert biases[-1][1] == 0
        assert min(time_s for time_s, bias_v in biases if time_s > last_s and bias_v < BIAS_V) >= off_s
        assert rig.stays_dark()


def test_a_stop_ends_a_wait_in_the_beam_within_half_a_second():
    with parts() as rig:
        asked_s = []

        def ask():
            if rig.clock.now() > 10 and not asked_s:
                asked_s.append(rig.clock.now())
                rig.stop.set()

        def script(procedure):
            procedure.beam.on(BEAM.voltage_v, BEAM.current_a)
            procedure.tend(ask)
            procedure.wait(600.0)

        assert isinstance(rig.run(script), StoppedByUser)
        assert rig.lit_after_s(asked_s[0]) < 0.5
        assert rig.stays_dark()


def test_a_beam_found_on_goes_off_even_if_another_instrument_is_lost_while_the_run_prepares():
    with parts() as rig:
        rig.switch_on_from_elsewhere()
        start_s = rig.clock.now()
        rig.world.links["smu"].unplug(start_s, FOREVER_S)
        assert isinstance(rig.run(lambda procedure: None), InstrumentError)
        assert rig.lit_after_s(start_s) < 0.5
        assert rig.stays_dark()


def test_a_beam_found_on_gets_its_off_even_if_the_tube_does_not_say_who_it_is():
    with parts() as rig:
        rig.switch_on_from_elsewhere()
        rig.world.links["tube"].add_fault(TimedFault("missing", rig.clock.now(), FOREVER_S))
        assert isinstance(rig.run(lambda procedure: None), InstrumentError)
        assert rig.tube.beam_log[-1].cause == "off command"
        assert rig.stays_dark()


@pytest.mark.parametrize("open_for_s", [0.1, 3.0, FOREVER_S])
def test_a_lid_opened_in_the_beam_ends_the_run_and_closing_it_brings_no_beam_back(open_for_s):
    with parts() as rig:
        restarts_when_its_lid_closes(rig)

        def script(procedure):
            procedure.lit(2.0)
            rig.deed("open_lid", 0.3)
            rig.deed("close_lid", 0.3 + open_for_s)
            procedure.record(10.0)

        error = rig.run(script)
        assert isinstance(error, SafetyTrip)
        assert "interlock open" in str(error)
        assert rig.failures == ()
        edges_s = rig.edges_s()
        opened_s = edges_s[1][0]
        assert all(at_s < opened_s + UNSEEN_S + EXCHANGE_S for at_s, _ in edges_s)  # it came back by itself, and went
        assert not edges_s[-1][1]
        assert rig.stays_dark()


def test_a_lid_opened_and_closed_just_before_the_beam_is_switched_off_is_noticed_and_no_beam_follows():
    with parts() as rig:

        def script(procedure):
            procedure.lit(2.0)
            rig.deed("open_lid")
            rig.deed("close_lid", 0.01)
            rig.clock.sleep(0.02)
            procedure.beam.chop_off()
            light_again(procedure)

        error = rig.run(script)
        assert isinstance(error, SafetyTrip)
        assert "interlock open" in str(error)
        assert [on for _, on in rig.edges_s()] == [True, False]
        assert rig.stays_dark()


@pytest.mark.parametrize(
    "ends_with",
    [lambda procedure: None, lambda procedure: procedure.beam.chop_off(), lambda procedure: procedure.beam.off()],
    ids=["nothing", "a quick off", "an off"],
)
def test_a_loop_that_hangs_loses_the_beam_by_the_tube_itself_and_cannot_switch_it_on_again(ends_with):
    with parts() as rig:
        hung_s = []

        def script(procedure):
            procedure.lit(2.0)
            hung_s.append(rig.clock.now())
            rig.clock.sleep(SILENCE_S + 0.5)  # a wait that looks after nothing
            ends_with(procedure)
            light_again(procedure)

        error = rig.run(script)
        assert isinstance(error, SafetyTrip)
        assert "lease" in str(error)
        assert SILENCE_S - UNSEEN_S <= rig.lit_after_s(hung_s[0]) <= SILENCE_S
        assert [on for _, on in rig.edges_s()] == [True, False]
        assert rig.stays_dark()


@pytest.mark.parametrize("fault", ["missing", "garbage", "cut"])
def test_a_tube_that_does_not_answer_ends_the_run_and_gets_its_off_all_the_same(fault):
    with parts() as rig:
        dumb_s = []

        def script(procedure):
            procedure.lit(2.0)
            dumb_s.append(rig.clock.now())
            rig.world.links["tube"].add_fault(TimedFault(fault, dumb_s[0], FOREVER_S))
            procedure.record(10.0)

        error = rig.run(script)
        assert isinstance(error, SafetyTrip)
        assert "does not answer" in str(error)
        assert ["THE BEAM MAY BE ON" in failure for failure in rig.failures] == [True]
        assert rig.tube.beam_log[-1].cause == "off command"
        assert rig.lit_after_s(dumb_s[0]) < 2.0  # a look, its timeout, and what may lie between
        assert rig.stays_dark()


def test_a_tube_whose_cable_is_pulled_goes_off_by_itself_and_the_run_says_that_the_beam_may_be_on():
    with parts() as rig:
        pulled_s = []

        def script(procedure):
            procedure.lit(2.0)
            pulled_s.append(rig.clock.now())
            rig.world.links["tube"].unplug(pulled_s[0], FOREVER_S)
            procedure.record(10.0)

        assert isinstance(rig.run(script), SafetyTrip)
        assert "THE BEAM MAY BE ON" in rig.failures[0]
        assert rig.lit_after_s(pulled_s[0]) <= SILENCE_S
        assert rig.world.crystal.bias_v == 0


@pytest.mark.parametrize("shown", [True, False], ids=["enable bits", "monitors only"])
def test_high_voltage_that_stays_on_though_commanded_off_ends_the_run_and_is_said_to_be_on(shown):
    with parts() as rig:
        off_s = []

        def script(procedure):
            procedure.lit(2.0)
            rig.tube.hv_stuck_on(rig.clock.now(), shown=shown)
            procedure.beam.chop_off()
            off_s.append(rig.clock.now())
            procedure.record(30.0)

        error = rig.run(script)
        assert isinstance(error, SafetyTrip)
        assert "after they were switched off" in str(error)
        assert rig.emitted_s[-1] - off_s[0] < 4.0
        assert "THE BEAM MAY BE ON" in rig.failures[0]
        assert rig.tube.beam_on
        rig.tube.release_hv(rig.clock.now())
        assert rig.stays_dark()


@pytest.mark.parametrize(("period_s", "half_period_s"), [(0.25, 5.0), (0.25, 5.1), (0.4, 4.0), (1.0, 6.5)])
def test_the_beam_is_chopped_on_its_grid_and_readings_go_on_while_the_voltage_falls(period_s, half_period_s):
    cycles = 2
    with parts(period=f"{period_s} s") as rig:
        began_s = []

        def script(procedure):
            procedure.beam.mount(1e-3)
            procedure.bias()
            began_s.append(rig.clock.now())
            procedure.chop(7, BEAM, cycles, half_period_s)

        assert rig.run(script) is None
        edges_s = rig.edges_s()
        assert [on for _, on in edges_s] == [True, False] * cycles
        grid_s = began_s[0] + half_period_s * np.arange(1, 2 * cycles + 1)
        late_s = np.array([at_s for at_s, _ in edges_s]) - grid_s
        assert np.all((late_s >= 0) & (late_s < EXCHANGE_S))
        assert len(rig.rows) == chopped_points(cycles, half_period_s, period_s)
        columns = {name: np.array([row[name] for row in rig.rows]) for name in rig.rows[0]}
        times_s = columns["elapsed"] + rig.procedure.start_s
        # whole periods fit or not: a rest of less than one is left; then a command, and a busy tube is looked at
        left_s = half_period_s % period_s
        assert np.max(np.diff(times_s)) < period_s + left_s + 2 * EXCHANGE_S
        if period_s == 0.25:
            assert np.max(np.diff(times_s)) < 0.6
        for off_s in grid_s[1::2]:
            assert np.sum((times_s > off_s) & (times_s <= off_s + 1.0)) >= np.floor(1.0 / period_s)
        lit = np.array([[on for at_s, on in [(0.0, False), *edges_s] if at_s <= time_s][-1] for time_s in times_s])
        assert np.all(columns["beam_on"] == lit)
        assert columns["current"][lit].mean() > 1.5 * columns["current"][~lit].mean()
        assert set(columns["point"]) == {7}
        assert list(np.unique(columns["cycle"])) == [0, 1]


def test_a_blank_run_reads_at_the_same_moments_and_never_switches_the_beam_on():
    with parts() as rig:
        began_s = []

        def script(procedure):
            procedure.bias()
            for blank in (False, True):
                began_s.append(rig.clock.now())
                procedure.chop(int(blank), BEAM, 2, 5.0, blank=blank)

        assert rig.run(script) is None
        edges_s = rig.edges_s()
        assert len(edges_s) == 4
        assert all(at_s < began_s[1] for at_s, _ in edges_s)
        lit, blank = (
            np.array([row["elapsed"] for row in rig.rows if row["point"] == point])
            - (began_s[point] - rig.procedure.start_s)
            for point in (0, 1)
        )
        assert len(lit) == len(blank)
        assert np.max(np.abs(lit - blank)) < 2 * EXCHANGE_S


@pytest.fixture
def mounted(monkeypatch):
    """What was mounted, and whether the tube was on and at which voltage, as the world knows."""
    found = []
    mount = SimBench.mount

    def watched(bench, time_s, nominal_m):
        tube = bench.devices["tube"]
        tube.advance(time_s)
        found.append((nominal_m, tube.beam_on, tube.controller.output.kv_at(time_s)))
        mount(bench, time_s, nominal_m)

    monkeypatch.setattr(SimBench, "mount", watched)
    return found


def test_foils_are_mounted_while_it_is_dark_whatever_the_beam_was_doing(mounted):
    with parts() as rig:

        def script(procedure):
            procedure.beam.mount(1e-3)
            procedure.lit(1.0)
            procedure.beam.mount(2e-3)  # in the beam
            light_again(procedure)
            procedure.beam.chop_off()
            procedure.beam.mount(4e-3)  # the voltage falls
            light_again(procedure)
            procedure.beam.mount(4e-3)  # is there already

        assert rig.run(script) is None
        assert [foil_m for foil_m, _, _ in mounted] == [1e-3, 2e-3, 4e-3]
        assert not any(on for _, on, _ in mounted)
        assert max(kv for _, _, kv in mounted) < 1.0
        totals_m = [row["total_aluminium"] for row in rig.rows]
        assert sorted(set(totals_m)) == pytest.approx([2e-3, 3e-3, 5e-3], rel=1e-6, abs=0)


def test_no_foil_is_mounted_under_high_voltage_that_stays_on(mounted):
    with parts() as rig:

        def script(procedure):
            procedure.beam.mount(1e-3)
            procedure.lit(1.0)
            rig.tube.hv_stuck_on(rig.clock.now())
            procedure.beam.mount(2e-3)

        assert isinstance(rig.run(script), InstrumentError)
        assert [foil_m for foil_m, _, _ in mounted] == [1e-3]


def test_what_hangs_in_the_beam_is_not_known_after_a_change_that_failed(monkeypatch):
    def slips(bench, time_s, nominal_m):
        raise ValueError("it slipped")

    with parts() as rig:

        def script(procedure):
            procedure.beam.mount(1e-3)
            monkeypatch.setattr(SimBench, "mount", slips)
            with pytest.raises(InstrumentError, match="slipped"):
                procedure.beam.mount(2e-3)
            procedure.bias()
            procedure.record(1.0)

        assert rig.run(script) is None
        assert np.all(np.isnan([row["total_aluminium"] for row in rig.rows]))


def test_a_tube_that_rested_for_days_is_warmed_up_by_its_own_program_before_it_is_set():
    with parts() as rig:
        rig.clock.sleep(DAYS_S)
        assert rig.run(lambda procedure: procedure.beam.warm_up(BEAM.voltage_v, BEAM.current_a, 3.0)) is None
        assert rig.tube.switched_on_without_warm_up_s == []
        (on_s, _), (off_s, _), (set_s, _), (end_s, _) = rig.edges_s()
        assert off_s - on_s == pytest.approx(30.0, rel=1e-6, abs=0)  # six steps of 5 s
        assert end_s - set_s == pytest.approx(3.0, abs=EXCHANGE_S + 0.01)
        assert rig.stays_dark()


def test_a_lid_opened_during_a_warm_up_ends_the_run_and_closing_it_brings_no_beam_back():
    with parts() as rig:
        rig.clock.sleep(DAYS_S)
        restarts_when_its_lid_closes(rig)
        rig.deed("open_lid", 12.0)
        rig.deed("close_lid", 20.0)
        error = rig.run(lambda procedure: procedure.beam.warm_up(BEAM.voltage_v, BEAM.current_a, 3.0))
        assert isinstance(error, SafetyTrip)
        assert "interlock open" in str(error)
        assert [on for _, on in rig.edges_s()] == [True, False]
        assert rig.stays_dark()


def test_a_tube_that_needs_its_warm_up_is_not_set_before_it_had_it_whole():
    with parts() as rig:
        rig.clock.sleep(DAYS_S)
        error = rig.run(lambda procedure: procedure.beam.on(BEAM.voltage_v, BEAM.current_a))
        assert isinstance(error, Refused)
        assert "warm-up" in str(error)
        assert rig.edges_s() == []


def test_a_source_that_is_lost_while_the_tube_is_conditioned_ends_the_run_and_the_beam():
    with parts(half_period="20 s", warm_up_duration="120 s") as rig:
        lost_s = []

        def script(procedure):
            procedure.bias()
            lost_s.append(rig.clock.now() + 5.0)
            rig.world.links["smu"].unplug(lost_s[0], FOREVER_S)
            procedure.condition(BEAM.current_a)

        assert isinstance(rig.run(script), InstrumentError)
        assert rig.lit_after_s(lost_s[0]) < 2.0
        assert rig.stays_dark()
