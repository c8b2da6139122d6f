"""The judge of a soak must find what is planted: a check that cannot fail would be worse than none."""

from dataclasses import replace

import pytest

from xraydaq.soak.evidence import Acknowledged, Evidence, Happened, Stored
from xraydaq.soak.judging import judged
from xraydaq.soak.table import Tally, table_of

KILLED_S = 20.0


def event(time_s, role, kind, text=""):
    return {"time_s": time_s, "role": role, "kind": kind, "text": text}


def said(time_s, kind, trip=""):
    return {"time_s": time_s, "kind": kind, "text": "", "trip": trip}


def beam(*moments_s):
    """Get the log of a beam that is switched at these moments, on first."""
    return [
        event(time_s, "tube", f"beam {'off' if number % 2 else 'on'}", "set-points")
        for number, time_s in enumerate(moments_s)
    ]


def source(on_s, off_s):
    return [event(on_s, "smu", "received", ":OUTP ON\n"), event(off_s, "smu", "received", ":ABOR;:OUTP OFF\n")]


SOUND = Evidence(
    begin_s=0.0,
    end_s=40.0,
    faults=(Happened("runner SIGKILL", KILLED_S),),
    log=(*source(8.0, 21.0), *beam(10.0, 20.4)),
    guardian=(said(5.0, "armed"), said(20.3, "heard"), said(22.0, "end")),
    acknowledged=(Acknowledged(12.0, 3, 2.0), Acknowledged(18.9, 5, 4.0), Acknowledged(19.9, 6, 5.0)),
    planned_rows=100,
    killed_s=KILLED_S,
    processes_ended_s=23.0,
    exit_code=-9,
    stored=Stored("interrupted", "no END was written", 5, (0.0, 1.0, 2.0, 3.0, 4.0)),
)


def with_log(*events):
    return replace(SOUND, log=tuple(sorted([*source(8.0, 21.0), *events], key=lambda each: each["time_s"])))


def test_a_killed_run_that_went_as_it_should_has_no_findings():
    findings = judged(SOUND)
    assert findings.problems == ()
    assert findings.lit_s == pytest.approx(10.4)
    assert findings.outside_s == pytest.approx(0.4)


def test_a_beam_that_outlives_its_fault_by_more_than_two_and_a_half_seconds_is_unsafe():
    late = with_log(*beam(10.0, KILLED_S + 2.6))
    assert judged(late).outside_s == pytest.approx(2.6)
    assert "outside a valid lease" in judged(late).unsafe[0]
    assert judged(with_log(*beam(10.0, KILLED_S + 2.4))).unsafe == ()


def test_where_the_guardian_goes_on_allowing_a_fault_does_not_end_the_lease_but_its_word_does():
    tolerated = Happened("tube:garbage", KILLED_S, 3.0, float("inf"))
    goes_on = replace(with_log(*beam(10.0, 30.0)), faults=(tolerated,), guardian=(said(5.0, "armed"),))
    assert judged(goes_on).unsafe == ()
    for word in (said(22.0, "trip"), said(22.0, "state", "the interlock is open"), said(22.0, "ending")):
        taken = replace(goes_on, guardian=(said(5.0, "armed"), word))
        assert judged(taken).outside_s == pytest.approx(8.0)
        assert len(judged(taken).unsafe) == 1


@pytest.mark.parametrize(
    ("guardian", "on_s"),
    [((), 10.0), ((said(11.0, "armed"),), 10.0), ((said(5.0, "armed"), said(9.0, "trip")), 10.0),
     ((said(5.0, "armed"),), KILLED_S + 0.1)],
    ids=["never armed", "armed after it", "tripped before it", "after the fault"],
)  # fmt: skip
def test_a_beam_that_goes_on_without_arming_is_unsafe_however_short(guardian, on_s):
    findings = judged(replace(with_log(*beam(on_s, on_s + 0.05)), guardian=guardian))
    assert len(findings.unsafe) == 1
    assert "without arming or lease" in findings.unsafe[0]


def test_a_beam_that_goes_on_again_after_a_trip_is_unsafe():
    assert "without arming" in judged(with_log(*beam(10.0, 20.4, 25.0, 25.1))).unsafe[0]


def test_a_beam_that_goes_on_with_the_lid_open_is_unsafe():
    lid = Happened("interlock_open", 12.0, 5.0, float("inf"))
    opened = replace(with_log(*beam(14.0, 14.2)), faults=(lid,))
    assert "interlock not closed" in judged(opened).unsafe[0]
    assert judged(replace(opened, faults=(replace(lid, duration_s=1.5),))).unsafe == ()


def test_a_beam_that_is_on_at_the_end_is_unsafe():
    assert any("after the end" in each for each in judged(with_log(*beam(10.0))).unsafe)


def test_a_ramp_of_the_beam_is_no_switching_on():
    ramp = [event(10.1 + 0.1 * step, "tube", "beam on", "5 kV 10 uA: ramp") for step in range(5)]
    assert judged(with_log(*beam(10.0, 20.4), *ramp)).unsafe == ()


def test_rows_that_were_acknowledged_more_than_a_second_before_the_kill_must_be_in_the_file():
    four = Stored("interrupted", "", 4, (0.0, 1.0, 2.0, 3.0))
    assert judged(replace(SOUND, stored=four)).lost == ("1 of 5 acknowledged rows are not in the file",)
    assert judged(replace(SOUND, stored=None)).lost == ("5 acknowledged rows and no run",)


def test_a_row_with_another_time_than_the_acknowledged_one_is_not_that_row():
    other = Stored("interrupted", "", 5, (0.0, 1.0, 2.0, 3.0, 4.5))
    assert "not the one" in judged(replace(SOUND, stored=other)).lost[0]


def test_without_a_kill_every_row_counts_up_to_a_second_before_the_end():
    assert judged(replace(SOUND, killed_s=float("inf"))).lost == ("1 of 6 acknowledged rows are not in the file",)


def test_a_file_that_does_not_verify_is_a_finding():
    torn = replace(SOUND.stored, problems=("x.h5: cannot be read",))
    assert judged(replace(SOUND, stored=torn)).unreadable == ("x.h5: cannot be read",)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"stored": replace(SOUND.stored, state="finished")}, "finished with 5 of 100 rows"),
        ({"stored": replace(SOUND.stored, state="stopped")}, "nobody asked"),
        ({"stored": replace(SOUND.stored, state="running")}, "said to be running"),
        ({"exit_code": 0}, "exit code 0, and the run is interrupted"),
        ({"exit_code": 0, "stored": None, "acknowledged": ()}, "exit code 0 and no run"),
        (
            {
                "stored": replace(SOUND.stored, state="stopped"),
                "stop_asked_s": 19.0,
                "guardian": (said(5.0, "armed"), said(15.0, "state", "the interlock is open")),
                "log": (),
            },
            "had tripped before",
        ),
    ],
)
def test_a_state_that_is_better_than_the_truth_is_dishonest(change, found):
    findings = judged(replace(SOUND, **change))
    assert len(findings.dishonest) == 1
    assert found in findings.dishonest[0]


def test_a_stop_that_was_asked_for_is_honest():
    stopped = replace(SOUND, stored=replace(SOUND.stored, state="stopped"), stop_asked_s=19.0)
    assert judged(stopped).dishonest == ()


def test_a_source_or_heater_that_is_left_on_for_ten_seconds_is_a_finding():
    assert judged(replace(SOUND, log=tuple(source(8.0, 33.1)))).left_on
    assert judged(replace(SOUND, log=tuple(source(8.0, 32.9)))).left_on == ()
    heated = (event(8.0, "temperature", "received", "RANGE 1,3\n"),)
    assert judged(replace(SOUND, log=heated)).left_on == ("the heater was left on and still is",)


def test_time_in_which_nothing_could_be_reached_does_not_count():
    unplugged = replace(SOUND, log=tuple(source(8.0, 36.0)), reachable_s=35.0)
    assert judged(unplugged).left_on == ()


def test_locks_and_processes_that_stay_are_findings():
    assert judged(replace(SOUND, locked=("ASRL/dev/pts/5::INSTR",))).locked
    assert judged(replace(SOUND, hung=("the run",))).hung == ("the run did not end",)


def test_the_table_counts_and_is_clean_only_without_findings():
    from dataclasses import asdict

    tally = Tally()
    tally.add(asdict(judged(SOUND)) | {"number": 1})
    assert tally.is_clean
    assert "1 faults in 1 runs" in table_of(tally, 1, 1, 10.0)
    tally.add(asdict(judged(replace(SOUND, exit_code=0))) | {"number": 2})
    assert not tally.is_clean
    other = Tally()
    other.add({"number": 1, "error": "the bench has died"})
    assert not other.is_clean
