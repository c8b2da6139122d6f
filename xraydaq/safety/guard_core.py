"""The guardian's rules as a state machine without time, threads or tube of its own: events in, decisions out.

A beam is on only while somebody armed it, a living procedure renews its lease, the tube is seen to be fit, and time
and dose are left. Whatever is unknown counts as on, every trip latches, and nothing here ever switches on by itself.
This file takes events and lets time pass. `guard_requests` grants or refuses; `guard_watch` judges the looks at the
tube, `guard_budget` what an arming allows, `guard_chamber` the dose: they only say why not. `guard_switch` commands.
"""

import math

from xraydaq.errors import LimitError
from xraydaq.safety import guard_rules as rules
from xraydaq.safety.guard_budget import Budget
from xraydaq.safety.guard_chamber import Chamber
from xraydaq.safety.guard_events import (
    Arm,
    BeamState,
    BeamView,
    ClientGone,
    Decision,
    Disarm,
    DoseSeen,
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
    Unreadable,
    Woke,
)
from xraydaq.safety.guard_requests import Requests
from xraydaq.safety.guard_switch import Switch
from xraydaq.safety.guard_watch import Watch


class Guard:
    """One tube's guardian. Times are seconds of one monotonic clock.

    Raises:
        LimitError: limits that are no numbers would be no limits.
    """

    def __init__(self, limits: GuardLimits, now_s: float) -> None:
        why = rules.bad_limits(limits)
        if why or not math.isfinite(now_s):
            raise LimitError(f"no guardian: {why or f'it is {now_s} s'}")
        self._limits = limits
        self._now_s = now_s
        self._warned_of_board = False
        self._watch = Watch(limits)
        self._budget = Budget(limits)
        self._chamber = Chamber()
        self._switch = Switch(self._watch, self._chamber)
        self._requests = Requests(limits, self._watch, self._budget, self._chamber, self._switch)

    @property
    def is_on(self) -> bool:
        """Tell whether the beam is commanded on, by set-points or by a warm-up."""
        return self._watch.beam.is_on

    @property
    def trip(self) -> str:
        """Get why nothing may switch on until somebody arms anew; empty if nothing speaks against it."""
        return self._switch.trip

    @property
    def state(self) -> BeamState:
        """Get what may be said of the beam; it is on until a look after the off shows that it is not."""
        watch = self._watch
        if self._switch.may_be_on(self._now_s) or watch.is_unseen(self._now_s):
            return BeamState.UNKNOWN
        if not watch.shows_dark:
            return BeamState.ON
        return BeamState.ARMED if self._budget.arm is not None and not self.trip else BeamState.OFF

    def handle(self, event: Event, now_s: float) -> Decision:
        """Take an event at a time and decide. What is due by time alone is due before any event."""
        try:
            self._pass_time(now_s)
            refused = self._answer(event)
            if not isinstance(event, SwitchedOff):  # whoever tells how an off went is not sent into the next one
                self._switch.insist(self._now_s)
            self._switch.alarm(self._now_s)
        except Exception as error:  # a mistake in here must end a beam, not the guardian
            refused = f"a mistake in the guardian: {error!r}"
            self._trip_with(refused)
        return Decision(self._switch.take_actions(), refused)

    def view(self, now_s: float) -> BeamView:
        """Get what whoever watches may know, and what happened since this was called last."""
        self._count_to(now_s)
        tube, beam, budget = self._watch.tube, self._watch.beam, self._budget
        return BeamView(
            state=self.state,
            voltage_set_v=0.0 if beam.warm_up else beam.voltage_v,
            current_set_a=0.0 if beam.warm_up else beam.current_a,
            voltage_v=math.nan if tube is None else tube.voltage_v,
            current_a=math.nan if tube is None else tube.current_a,
            trip=self.trip,
            armed_by="" if budget.arm is None else budget.arm.name,
            countdown_s=budget.countdown_s(self._now_s),
            on_s=budget.on_s,
            on_left_s=budget.left_s,
            dose_gy=budget.dose_gy,
            seen_age_s=self._now_s - self._watch.seen_s,
            board_k=math.nan if tube is None else tube.board_k,
            fault="" if tube is None else tube.fault,
            told=self._switch.take_told(),
        )

    def _answer(self, event: Event) -> str:
        """Take a request and get why it is refused; whatever is no request is not."""
        match event:
            case Arm():
                return self._requests.arm(event, self._now_s)
            case SetBeam():
                return self._requests.set_beam(event, self._now_s)
            case StartWarmUp():
                return self._requests.warm_up(event, self._now_s)
            case Renew():
                return self._requests.renew(self._now_s)
            case _:
                self._take(event)
                return ""

    def _take(self, event: Event) -> None:
        match event:
            case Seen():
                self._on_seen(event)
            case Unreadable():
                self._on_unreadable(event.why)
            case SwitchedOff():
                self._on_switched_off(event)
            case SwitchFailed():
                self._trip_with(event.why)
            case DoseSeen():
                self._on_dose(event)
            case Off():
                self._switch_off("as asked for")
            case Stop():
                self._trip_with(f"emergency stop by {event.who}")
            case Disarm():
                self._switch_off("no more beam is wanted")
                self._budget.end()
            case ClientGone():
                self._on_gone(event)
            case Woke():
                self._trip_with(f"the computer stood still for {event.gap_s:.1f} s")
            case _:  # a tick: what is due by time is done
                pass

    def _on_seen(self, seen: Seen) -> None:
        nonsense = rules.nonsense(seen, self._now_s)
        if nonsense:
            self._on_unreadable(nonsense)
            return
        watch = self._watch
        why = watch.look(seen)
        if watch.ran_away:
            self._switch.off_failed = watch.ran_away
        elif watch.shows_dark:
            self._switch.off_failed = ""
        if watch.shows_hv_off:
            self._budget.rest()
        self._tell_of_board(seen)
        if not why and watch.is_hot and self._budget.arm is not None and not self.trip:
            why = rules.board(seen.tube)
        if why:
            self._trip_with(why)
        elif watch.warm_up_is_over:
            self._switch.tell("warm-up over", f"the tube ended its {watch.beam.warm_up} warm-up")
            self._switch_off("the warm-up is over")

    def _tell_of_board(self, seen: Seen) -> None:
        is_warm = seen.tube.board_k >= self._limits.board_warn_k
        if is_warm and not self._warned_of_board:
            self._switch.tell("warm board", rules.board(seen.tube), "warning")
        self._warned_of_board = is_warm

    def _on_unreadable(self, why: str) -> None:
        was_readable = not self._watch.unread
        self._watch.lose(f"the tube does not answer: {why}", self._now_s)
        if self.is_on:
            self._trip_with(self._watch.unread)
        elif was_readable:
            self._switch.tell("tube unknown", why, "warning")

    def _on_switched_off(self, event: SwitchedOff) -> None:
        if event.failure:
            self._switch.off_failed = event.failure
        elif not self.is_on:  # taken, which does not yet show that it is off
            self._budget.rest()

    def _on_dose(self, dose: DoseSeen) -> None:
        arm = self._budget.arm
        if not self.is_on:
            self._chamber.read_off(dose, self._now_s, self._watch.off_since_s)
            if self._chamber.stray:
                self._trip_with(self._chamber.stray)
        elif arm is not None and arm.expects_dose and not self._watch.beam.warm_up:
            self._chamber.read_on(dose, self._now_s)

    def _on_gone(self, event: ClientGone) -> None:
        if self.is_on or self._budget.arm is not None:
            self._trip_with(event.why)
        else:
            self._switch_off(event.why)
        self._budget.end()

    def _count_to(self, now_s: float) -> None:
        if not self._now_s - rules.CLOCK_SLACK_S <= now_s < math.inf:
            self._watch.clock_wrong = f"the clock went from {self._now_s:.3f} s to {now_s:.3f} s"
            return
        self._watch.clock_wrong = ""
        self._budget.count(max(now_s - self._now_s, 0.0))
        self._now_s = max(now_s, self._now_s)

    def _pass_time(self, now_s: float) -> None:
        self._count_to(now_s)
        if self.is_on:
            why = self._overdue()
            if why:
                self._trip_with(why)
        elif self._budget.has_expired(self._now_s):
            self._budget.end()
            self._switch.tell("disarmed", "the arming has expired")

    def _overdue(self) -> str:
        watch, now_s = self._watch, self._now_s
        why = watch.clock_wrong or self._budget.must_end(now_s)
        if not why and watch.is_unseen(now_s):
            why = "the tube was not seen in time"
        return why or self._chamber.missing(now_s, watch.on_since_s)

    def _trip_with(self, why: str) -> None:
        self._switch.trip_with(why, self._now_s)

    def _switch_off(self, why: str) -> None:
        self._switch.off(why, self._now_s)
