"""Every order of what people, procedures, tubes and computers may do; judged on a model tube and on what was sent."""

import math
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.safety.guard_model_tube import ModelTube
from xraydaq.safety.guard_core import Guard
from xraydaq.safety.guard_events import (
    Arm,
    BeamState,
    ClientGone,
    Disarm,
    DoBeam,
    DoOff,
    DoseSeen,
    DoWarmUp,
    Event,
    GuardLimits,
    Off,
    Renew,
    Seen,
    SetBeam,
    StartWarmUp,
    Stop,
    SwitchedOff,
    SwitchFailed,
    Tell,
    Tick,
    Unreadable,
    Woke,
)

LEASE_S, FRESH_S, AGAIN_S = 2.0, 1.0, 0.5
MAX_V, MAX_A, MAX_W = 50e3, 200e-6, 8.0
ARM_FOR_S = 12.0
COUNTDOWN_S = 1.0
LIMITS = GuardLimits(MAX_V, MAX_A, MAX_W, 60.0, 1.0, arm_for_s=ARM_FOR_S, countdown_s=COUNTDOWN_S)
PERSON = Arm("Ada", attended=True, on_s=6.0, dose_gy=1.0, expects_dose=True)
DOSE_RATE_GY_S = 0.2
WARM_UP = StartWarmUp("daily", MAX_V, MAX_A, MAX_W)
SLACK = 1 + 1e-9

steps_s = st.floats(0.0, 0.6)
good = SetBeam(40e3, 100e-6), SetBeam(30e3, 200e-6, DOSE_RATE_GY_S), WARM_UP
bad = (
    *(SetBeam(voltage_v, 5e-6) for voltage_v in (0.0, -1.0, 51e3, math.nan, math.inf)),
    *(SetBeam(30e3, current_a) for current_a in (0.0, -1.0, 201e-6, math.nan, math.inf)),
    *(replace(good[0], dose_rate_gy_s=rate_gy_s) for rate_gy_s in (-1.0, math.nan)),
    SetBeam(50e3, 200e-6),
    replace(WARM_UP, power_w=9.0),
    replace(WARM_UP, power_w=math.nan),
    replace(WARM_UP, kind=""),
)
long_enough = st.sampled_from([1, 4, 12, 45])
beam_is_on = precondition(lambda self: self.guard.is_on)
beam_is_off = precondition(lambda self: not self.guard.is_on)


happened: Counter[str] = Counter()
"""Over all runs of the machine, so that a test can tell whether anything was tested."""


class GuardedTube(RuleBasedStateMachine):
    """Sends events, lets the tube do what is decided, and keeps its own book of what it has sent."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 500.0
        self.tube = ModelTube()
        self.guard = Guard(LIMITS, self.now_s)
        self.armed: Arm | None = None
        """Who was let arm, until a trip, a disarming, an end of the procedure, or the time ended it."""

        self.armed_s = self.life_s = self.looked_s = -math.inf
        self.closed_when_looked = False
        self.off_said_s = self.ended_s = -math.inf
        self.off_not_taken = False
        self.on_s = self.dose_gy = 0.0
        self.dose_rate_gy_s = 0.0

    def send(self, event: Event) -> str:
        """Hand in an event, do what is decided, and check the decision against the book."""
        tripped_before, was_on = self.guard.trip, self.guard.is_on
        if isinstance(event, Renew | SetBeam | StartWarmUp):
            self.life_s = self.now_s
        decision = self.guard.handle(event, self.now_s)
        if self.guard.trip and self.guard.trip != tripped_before:
            assert isinstance(decision.actions[0], DoOff), "a trip without off"
            assert "mistake" not in self.guard.trip
            self.armed = None
            happened["trips in the beam" if was_on else "other trips"] += 1
        if was_on and not self.guard.is_on:
            assert any(isinstance(each, DoOff) for each in decision.actions), "off was not commanded"
            self.ended_s = self.now_s
            over = any(isinstance(each, Tell) and each.kind == "warm-up over" for each in decision.actions)
            if not (isinstance(event, Off) or over):
                self.armed = None
        self._keep_book(event, decision.refused)
        for index, action in enumerate(decision.actions):
            if isinstance(action, DoOff):
                assert index == 0, "something is done before off"
                self._switch_off()
            elif isinstance(action, DoBeam | DoWarmUp):
                self._switch_on(event, action)
        return decision.refused

    def _keep_book(self, event: Event, refused: str) -> None:
        if isinstance(event, Arm) and not refused:
            assert not self.tube.on or self.tube.lies or self.tube.by_itself, "armed while on"
            self.armed, self.armed_s, self.on_s, self.dose_gy = event, self.now_s, 0.0, 0.0
        if (
            isinstance(event, Disarm | ClientGone | Stop | Woke | SwitchFailed)
            or self.now_s - self.armed_s >= ARM_FOR_S
        ):
            self.armed = None

    def _switch_on(self, event: Event, action: DoBeam | DoWarmUp) -> None:
        assert self.armed is not None, "on although nobody has armed since"
        assert not self.guard.trip, "on after a trip"
        assert self.now_s - self.armed_s >= COUNTDOWN_S, "on in the countdown"
        assert self.now_s - self.looked_s < FRESH_S, "on although not looked at"
        assert self.closed_when_looked, "on although the interlock was seen open"
        assert not self.off_not_taken, "on although the last off was not taken"
        if isinstance(action, DoBeam):
            assert isinstance(event, SetBeam)
            assert (event.voltage_v, event.current_a) == (action.voltage_v, action.current_a)
            assert 0 < action.voltage_v <= MAX_V
            assert 0 < action.current_a <= MAX_A
            assert action.voltage_v * action.current_a <= MAX_W * SLACK
            self.dose_rate_gy_s = event.dose_rate_gy_s
        else:
            assert isinstance(event, StartWarmUp)
            self.dose_rate_gy_s = 0.0
        failure = self.tube.switch_on(action)
        happened[f"{type(action).__name__}{' failed' if failure else ''}"] += 1
        if failure:
            self.send(SwitchFailed(failure))
            assert self.guard.trip, "a failure to switch on is no trip"

    def _switch_off(self) -> None:
        self.off_said_s = self.now_s
        failure = self.tube.switch_off()
        self.off_not_taken = bool(failure)
        self.send(SwitchedOff(failure))

    def pass_time(self, step_s: float) -> None:
        """Let time pass: the tube shines, or does not."""
        self.now_s += step_s
        if self.tube.on and not self.tube.by_itself:
            self.on_s += step_s
            self.dose_gy += self.dose_rate_gy_s * step_s

    def look(self) -> None:
        """Look at the tube, as whoever mounts the guardian does."""
        if not self.tube.line_alive:
            self.send(Unreadable("no device"))
            return
        self._show(self.now_s)

    def _show(self, asked_s: float) -> None:
        seen = self.tube.status()
        self.looked_s, self.closed_when_looked = asked_s, self.tube.interlock_closed
        is_dark = not seen.hv_enabled and seen.voltage_v < 1e3 and seen.current_a < 2e-6
        if is_dark and asked_s >= self.ended_s:
            self.off_not_taken = False
            if self.tube.on and not self.guard.is_on:
                self.tube.by_itself = True  # it was said to be off: this beam is nobody's
        self.send(Seen(seen, asked_s))
        assert not self.guard.is_on or self.tube.interlock_closed, "seen open, and still commanded on"

    @initialize()
    def begin(self) -> None:
        self.look()

    @rule(step_s=steps_s)
    def tick(self, step_s: float) -> None:
        self.pass_time(step_s)
        self.send(Tick())

    @rule(count=long_enough, looks=st.sampled_from([True, True, False]), renews=st.sampled_from([True, True, False]))
    def live(self, count: int, looks: bool, renews: bool) -> None:
        for _ in range(count):
            self.pass_time(0.25)
            self.guard.view(self.now_s)
            if looks:
                self.look()
            if renews:
                self.send(Renew())
            self.send(Tick())
            self.check()

    @beam_is_on
    @rule(step_s=st.floats(1.0, 200.0), told=st.booleans())
    def stand_still(self, step_s: float, told: bool) -> None:
        self.pass_time(step_s)
        self.send(Woke(step_s) if told else Renew())

    @beam_is_on
    @rule(step_s=st.sampled_from([-100.0, math.nan, math.inf]))
    def show_a_wrong_time(self, step_s: float) -> None:
        right_s, self.now_s = self.now_s, self.now_s + step_s
        was_on = self.tube.on and self.tube.line_alive and self.tube.obeys_off
        decision = self.guard.handle(Renew(), self.now_s)
        self.now_s = right_s
        assert not any(isinstance(each, DoBeam | DoWarmUp) for each in decision.actions)
        if any(isinstance(each, DoOff) for each in decision.actions):
            self.ended_s = self.now_s
            self._switch_off()
        if self.guard.trip:
            self.armed = None
        assert not (was_on and self.guard.is_on)

    @rule()
    def renew(self) -> None:
        self.send(Renew())

    @rule(name=st.sampled_from(["Ada", "Ada", "Bob", ""]), attended=st.sampled_from([True, True, False]))
    def arm(self, name: str, attended: bool) -> None:
        arm = Arm(name, attended, PERSON.on_s, PERSON.dose_gy, PERSON.expects_dose)
        refused = self.send(arm)
        assert refused or (name and attended)

    @rule(wanted=st.sampled_from(good), looks=st.sampled_from([0, 1, 1, 4]))
    def try_to_switch_on(self, wanted: SetBeam | StartWarmUp, looks: int) -> None:
        self.live(looks, True, True)
        self.send(wanted)

    @rule(wanted=st.sampled_from(bad))
    def ask_for_what_nobody_may(self, wanted: SetBeam | StartWarmUp) -> None:
        assert self.send(wanted)

    @beam_is_off
    @rule(wanted=st.sampled_from(good), wait=st.sampled_from([5, 40]))
    def mend_arm_and_switch_on(self, wanted: SetBeam | StartWarmUp, wait: int) -> None:
        self._arm_a_tube_without_fault(wait)
        assert not self.send(wanted), "a tube without fault that somebody armed is not switched on"

    @beam_is_off
    @rule(
        wanted=st.sampled_from(good),
        wait=st.sampled_from([5, 30]),
        settle=st.sampled_from([4, 20]),
        looks=st.booleans(),
        renews=st.booleans(),
    )
    def switch_on_and_live(
        self, wanted: SetBeam | StartWarmUp, wait: int, settle: int, looks: bool, renews: bool
    ) -> None:
        self.mend_arm_and_switch_on(wanted, wait)
        self.live(settle, True, True)
        self.live(45, looks, renews)

    @beam_is_off
    @rule(wanted=st.sampled_from(bad))
    def mend_arm_and_ask_for_what_nobody_may(self, wanted: SetBeam | StartWarmUp) -> None:
        self._arm_a_tube_without_fault()
        assert self.send(wanted)

    @beam_is_off
    @rule(wanted=st.sampled_from(good), count=st.integers(0, 3))
    def switch_on_in_the_countdown(self, wanted: SetBeam | StartWarmUp, count: int) -> None:
        self._arm_a_tube_without_fault(count)
        assert self.send(wanted)

    @beam_is_off
    @rule(wanted=st.sampled_from(good), door=st.booleans())
    def switch_on_with_an_open_door_or_unseen(self, wanted: SetBeam | StartWarmUp, door: bool) -> None:
        self._arm_a_tube_without_fault()
        if door:
            self.tube.open_interlock()
            self.look()
        else:
            self.live(4, False, True)
        assert self.send(wanted)

    @beam_is_off
    @rule(wanted=st.sampled_from(good), door=st.booleans())
    def switch_on_in_vain(self, wanted: SetBeam | StartWarmUp, door: bool) -> None:
        self._arm_a_tube_without_fault()
        if door:
            self.tube.open_interlock()
        else:
            self.tube.line_alive = False
        self.send(wanted)
        assert not self.guard.is_on, "the tube has refused, and is still commanded on"

    @beam_is_on
    @rule()
    def open_the_door_before_a_look(self) -> None:
        self.tube.line_alive, self.tube.lies = True, ""
        self.tube.open_interlock()
        self.look()
        assert not self.guard.is_on

    @beam_is_on
    @rule(event=st.sampled_from([Stop(""), Woke(2.0), Unreadable(""), SwitchFailed("")]), wanted=st.sampled_from(good))
    def switch_on_after_a_trip(self, event: Event, wanted: SetBeam | StartWarmUp) -> None:
        self.send(event)
        self.mend()
        self.live(4, True, True)
        assert self.send(wanted)

    @beam_is_on
    @rule(wanted=st.sampled_from(good), looks=st.booleans())
    def switch_off_in_vain(self, wanted: SetBeam | StartWarmUp, looks: bool) -> None:
        self.mend()
        self.tube.obeys_off = False
        self.send(Off())
        assert self.send(wanted)
        self.live(4, looks, True)
        if self.tube.on:
            assert self.send(wanted)

    def _arm_a_tube_without_fault(self, wait: int = 5) -> None:
        self.mend()
        self.send(Off())
        self.live(4, True, False)
        self.send(DoseSeen(0.0, 1e-6, 1.0))
        self.send(PERSON)
        self.live(wait, True, True)

    @rule()
    def end_the_warm_up(self) -> None:
        if self.tube.warming:
            self.tube.go_dark()

    @rule(event=st.sampled_from([Off(), Off(), Stop("Bob"), Stop(""), Disarm(), ClientGone(), ClientGone("")]))
    def end(self, event: Event) -> None:
        self.send(event)
        assert not self.guard.is_on

    @rule()
    def look_once(self) -> None:
        self.look()

    @beam_is_on
    @rule(field=st.sampled_from(["voltage_v", "current_a", "board_k"]), value=st.sampled_from([math.nan, math.inf]))
    def read_no_number(self, field: str, value: float) -> None:
        seen = replace(self.tube.status(), **{field: value})
        self.send(Seen(seen, self.now_s))
        assert not self.guard.is_on

    @rule(age_s=st.floats(0.0, 3.0))
    def look_at_what_was_asked_for_long_ago(self, age_s: float) -> None:
        if self.now_s - age_s >= self.looked_s and self.tube.line_alive:
            self._show(self.now_s - age_s)

    @beam_is_on
    @rule(why=st.sampled_from(["bad checksum", ""]))
    def read_garbage(self, why: str) -> None:
        self.send(Unreadable(why))
        assert not self.guard.is_on

    @rule(rate_gy_s=st.sampled_from([0.0, 1e-3, math.nan]), count=st.integers(1, 3))
    def read_the_chamber(self, rate_gy_s: float, count: int) -> None:
        for _ in range(count):
            self.send(DoseSeen(rate_gy_s, 1e-6, 1.0))

    @rule(door=st.booleans())
    def use_the_door(self, door: bool) -> None:
        self.tube.open_interlock()
        if door:
            self.tube.close_interlock()

    @beam_is_on
    @rule(fault=st.sampled_from(["supply under voltage", "interlock open"]))
    def trip_by_itself(self, fault: str) -> None:
        if self.tube.on:
            self.tube.trip(fault)

    @rule()
    def go_on_by_itself(self) -> None:
        if not self.tube.on and self.tube.interlock_closed:
            self.tube.on = self.tube.by_itself = True
            self.tube.voltage_v, self.tube.current_a = 30e3, 50e-6

    @rule()
    def go_on_by_itself_and_be_seen(self) -> None:
        if not self.guard.is_on:
            self.mend()
            self.live(4, True, False)
            self.go_on_by_itself()
            self.live(6, True, False)
            assert not self.tube.on, "on by itself, seen, and not switched off"

    @rule(fault=st.sampled_from(["line", "off", "on", "dark", "monitors", "board"]))
    def break_it(self, fault: str) -> None:
        tube = self.tube
        match fault:
            case "line":
                tube.line_alive = False
            case "off":
                tube.obeys_off = False
            case "on":
                tube.obeys_on = False
            case "board":
                tube.board_k = 330.0
            case _:
                tube.lies = fault

    @rule()
    def mend(self) -> None:
        tube = self.tube
        tube.close_interlock()
        tube.line_alive = tube.obeys_on = tube.obeys_off = True
        tube.lies, tube.board_k = "", 298.0

    @invariant()
    def check(self) -> None:
        """Compare the tube with the book; a beam on a dead line or a stuck tube is nobody's to end."""
        tube, guard = self.tube, self.guard
        if tube.on and not tube.by_itself and tube.line_alive and tube.obeys_off and not self.off_not_taken:
            assert self.armed is not None, "on although nobody is armed"
            assert not guard.trip, "on after a trip"
            assert self.now_s - self.life_s < LEASE_S, "on without a lease"
            assert self.now_s - self.looked_s < FRESH_S + FRESH_S + LIMITS.look_every_s, "on unseen"
            assert self.on_s < self.armed.on_s * SLACK, "on over the budget"
            assert self.dose_gy < self.armed.dose_gy * SLACK, "on over the dose"
        assert guard.is_on or not self.off_not_taken or self.now_s - self.off_said_s < AGAIN_S, "off was not repeated"
        view = guard.view(self.now_s)
        assert not any("mistake" in tell.text for tell in view.told)
        if view.state in (BeamState.OFF, BeamState.ARMED):
            assert not self.off_not_taken, "off is claimed although it was not taken"
            assert not guard.is_on
        assert view.state is not BeamState.ARMED or self.armed is not None


def run(examples: int, steps: int, phases: tuple[Phase, ...] = tuple(Phase)) -> Counter[str]:
    happened.clear()
    run_state_machine_as_test(
        GuardedTube,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            derandomize=True,
            phases=phases,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    return Counter(happened)


def test_no_order_of_events_leaves_a_beam_on_that_must_be_off():
    happened = run(examples=60, steps=50)
    assert happened["DoBeam"] > 50
    assert happened["DoWarmUp"] > 20
    assert happened["trips in the beam"] > 30


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_no_order_of_events_leaves_a_beam_on_that_must_be_off_in_thousands_of_orders():
    happened = run(examples=1000, steps=80)
    assert happened["trips in the beam"] > 2000
