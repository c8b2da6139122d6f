"""What the looks at the tube lead to: why a beam that is on must end, and why one that is off may be on."""

import math
from dataclasses import dataclass

from xraydaq.safety import guard_rules as rules
from xraydaq.safety.guard_events import GuardLimits, Seen, TubeSeen


@dataclass(frozen=True, slots=True)
class Beam:
    """What is commanded: set-points, or a warm-up and the largest values of its steps."""

    voltage_v: float = 0.0
    current_a: float = 0.0
    warm_up: str = ""

    @property
    def is_on(self) -> bool:
        """Tell whether X-rays are commanded on: whatever is not off."""
        return self != OFF


OFF = Beam()


class Watch:
    """The last look at the tube, and what was commanded when."""

    def __init__(self, limits: GuardLimits) -> None:
        self._limits = limits
        self.beam = OFF
        self.tube: TubeSeen | None = None
        self.seen_s = -math.inf
        """When the state of the last look was asked for."""

        self.clock_wrong = ""
        """Why no age of a look can be believed."""

        self.unread = ""
        self.ran_away = ""
        """What the tube shows although it is commanded off."""

        self.is_hot = False
        self.on_since_s = -math.inf
        self.off_since_s = -math.inf
        """Before the first beam: for ever, so that a tube that is found on has no time to go off."""

        self._changed_s = -math.inf
        self._at_set_points_s = -math.inf
        self._seen_since_off = False
        self._lost_s = math.inf
        self._fault_before: str | None = None
        """The last fault that the tube knew of when it was switched on, until a look after the off has judged it."""

    def command(self, beam: Beam, now_s: float) -> None:
        """Take what is commanded from now on. Off again, or the same again, puts nothing off."""
        if beam.is_on and not self.beam.is_on:
            self.on_since_s = self._at_set_points_s = now_s
            self._seen_since_off = False
            self._fault_before = None if self.tube is None else self.tube.last_fault
        if self.beam.is_on and not beam.is_on:
            self.off_since_s, self._seen_since_off = now_s, False
        if beam.is_on and beam != self.beam:
            self._changed_s = now_s
        self.beam = beam

    def lose(self, why: str, now_s: float) -> None:
        """Take that nothing is known of the tube."""
        if not self.unread:
            self._lost_s = now_s
        self.tube, self.unread = None, why

    def look(self, seen: Seen) -> str:
        """Take a look; get why the tube must go off, or went off by itself. One older than the last tells nothing."""
        if seen.asked_s < self.seen_s:
            return ""
        self.tube, self.seen_s, self.unread = seen.tube, seen.asked_s, ""
        self._feel_board(seen.tube)
        if self.beam.is_on:
            return self._wrong_while_on(seen.tube)
        return self._wrong_while_off(seen.tube) if seen.asked_s >= self.off_since_s else ""

    @property
    def shows_hv_off(self) -> bool:
        """Tell whether a look after the last off showed that the high voltage is disabled."""
        return self._seen_since_off and self.tube is not None and not self.tube.hv_enabled

    @property
    def shows_dark(self) -> bool:
        """Tell whether a look after the last off also showed the monitors near zero."""
        return self._seen_since_off and self.tube is not None and rules.is_dark(self.tube)

    @property
    def warm_up_is_over(self) -> bool:
        """Tell whether the tube shows no warm-up any more, or did not begin one in time."""
        if not self.beam.warm_up or self.tube is None or self.tube.warming_up:
            return False
        return self.seen_s - self.on_since_s > rules.STARTS_WITHIN_S

    @property
    def warm_up_stands_before(self) -> str:
        """Tell why a warm-up keeps other set-points away."""
        if self.beam.warm_up:
            return f"the tube's {self.beam.warm_up} warm-up runs"
        due = "" if self.tube is None else self.tube.warm_up_due
        return f"the tube needs its {due} warm-up first" if due else ""

    def is_unseen(self, now_s: float) -> bool:
        """Tell whether the last look is too old; a change of the set-points looks at the tube as well."""
        return bool(self.clock_wrong) or not self._is_recent(max(self.seen_s, self._changed_s), now_s)

    def is_unconfirmed(self, now_s: float) -> bool:
        """Tell whether off was commanded too long ago, or never, for no look to have shown what came of it."""
        return not (self.beam.is_on or self._seen_since_off or self._is_recent(self.off_since_s, now_s))

    def lost(self, now_s: float) -> str:
        """Tell why the tube is lost: one garbled reply is not yet a reason to alarm anybody."""
        return self.unread if now_s - self._lost_s >= rules.LOST_AFTER_S else ""

    def not_fit(self, now_s: float) -> str:
        """Tell why nothing may be switched on."""
        if self.clock_wrong:
            return self.clock_wrong
        if self.tube is None or not now_s - self.seen_s < self._limits.status_within_s:
            return f"the interlock was not read within the last {self._limits.status_within_s:g} s"
        why = rules.unfit(self.tube)
        if not why and self.is_hot:
            limits = self._limits
            why = (
                f"{rules.board(self.tube)}; it must cool below {limits.board_trip_k - limits.cooled_by_k - 273.15:.0f}"
            )
        return why

    def _is_recent(self, time_s: float, now_s: float) -> bool:
        return now_s - time_s < self._limits.status_within_s + self._limits.look_every_s

    def _feel_board(self, tube: TubeSeen) -> None:
        if tube.board_k >= self._limits.board_trip_k:
            self.is_hot = True
        elif tube.board_k < self._limits.board_trip_k - self._limits.cooled_by_k:
            self.is_hot = False

    def _wrong_while_on(self, tube: TubeSeen) -> str:
        why = rules.unfit(tube) or self._own_trip(tube)
        if why:
            return why if tube.hv_enabled else rules.WENT_OFF + why
        if not (self.beam.warm_up or tube.hv_enabled) and self.seen_s - self.on_since_s > rules.STARTS_WITHIN_S:
            return rules.WENT_OFF + "the tube names no fault"
        return self._off_set_points(tube)

    def _off_set_points(self, tube: TubeSeen) -> str:
        beam = self.beam
        agrees = rules.is_not_over if beam.warm_up else rules.is_at
        if agrees(tube, beam.voltage_v, beam.current_a):
            self._at_set_points_s = self.seen_s
        settling_s = max(self._changed_s + rules.SETTLED_AFTER_S - self._at_set_points_s, 0.0)
        allowed_s = min(rules.OFF_SET_POINT_FOR_S + settling_s, rules.NEVER_AT_SET_POINT_FOR_S)
        if self.seen_s - self._at_set_points_s < allowed_s:
            return ""
        return (
            f"the monitors show {tube.voltage_v / 1e3:.2f} kV, {tube.current_a * 1e6:.1f} uA, "
            f"set are {beam.voltage_v / 1e3:g} kV, {beam.current_a * 1e6:g} uA"
        )

    def _wrong_while_off(self, tube: TubeSeen) -> str:
        why = ""
        if self._fault_before is not None:  # the first look since: was it this program that ended the beam?
            why, self._fault_before = rules.unfit(tube) or self._own_trip(tube), None
        self._seen_since_off = True
        self.ran_away = rules.ran_away(tube, self.seen_s - self.off_since_s)
        return rules.WENT_OFF + why if why else self.ran_away

    def _own_trip(self, tube: TubeSeen) -> str:
        """Name a fault that came and went between two looks."""
        return tube.last_fault if tube.last_fault not in ("", self._fault_before) else ""
