"""The only place where the guardian commands the tube, latches a trip and alarms a person."""

import math

from xraydaq.safety.guard_chamber import Chamber
from xraydaq.safety.guard_events import Action, DoBeam, DoOff, DoWarmUp, Tell
from xraydaq.safety.guard_watch import OFF, Beam, Watch

AGAIN_S = 0.5
"""Until off is commanded again to a tube that is not shown to be off."""

MOST_TOLD = 100
WHAT_TO_DO = "THE BEAM MAY BE ON: take the key of the tube out or cut its mains, and keep the enclosure closed"
NOT_OFF = "the beam is not shown to be off"


class Switch:
    """Switches on when it is told to, off for every reason. Whether on is allowed is asked before it is told."""

    def __init__(self, watch: Watch, chamber: Chamber) -> None:
        self._watch, self._chamber = watch, chamber
        self.trip = ""
        self.off_failed = ""
        """Why the last off may not have worked, until a look shows that nothing is on."""

        self._off_said_s = -math.inf
        self._is_alarmed = False
        self._told: list[Tell] = []
        self._actions: list[Action] = []

    def begin(self, beam: Beam, action: DoBeam | DoWarmUp, now_s: float) -> None:
        """Command a beam, or another one."""
        self._watch.command(beam, now_s)
        self._actions.append(action)

    def off(self, why: str, now_s: float) -> None:
        """Command off, also if nothing is on."""
        self._watch.command(OFF, now_s)
        self._say_off(why, now_s)

    def trip_with(self, why: str, now_s: float) -> None:
        """Command off, and let nothing switch on until somebody arms anew; the first reason stands."""
        self.off(why, now_s)
        if not self.trip:
            self.trip = why or "for no reason that is known"
            self.tell("trip", self.trip, "error")

    def rearm(self) -> None:
        """End the trip: somebody has armed anew."""
        self.trip = ""

    def may_be_on(self, now_s: float) -> str:
        """Get why the beam may be on although off is commanded, or be another than is commanded."""
        why = self._alarm(now_s) or self._watch.unread
        return why or (NOT_OFF if self._watch.is_unconfirmed(now_s) else "")

    def insist(self, now_s: float) -> None:
        """Command off again and again as long as the beam may be on although it must not."""
        why = self.may_be_on(now_s)
        if why and not self._watch.beam.is_on and now_s - self._off_said_s >= AGAIN_S:
            self._say_off(f"again: {why}", now_s)

    def alarm(self, now_s: float) -> None:
        """Alarm once if the beam may be on for more than a moment; tell when it is shown to be off."""
        why = self._alarm(now_s)
        if why and not self._is_alarmed:
            self._is_alarmed = True
            self.tell("off failed", f"{why}. {WHAT_TO_DO}", "error")
        elif self._is_alarmed and not why and self._watch.shows_dark:
            self._is_alarmed = False
            self.tell("off", "the beam is shown to be off")

    def tell(self, kind: str, text: str, severity: str = "info") -> None:
        """Put a line into the log, and keep it for whoever watches."""
        told = Tell(kind, text, severity)
        self._told = [*self._told[-MOST_TOLD + 1 :], told]
        self._actions.append(told)

    def take_actions(self) -> tuple[Action, ...]:
        """Get what is to be done, once."""
        actions, self._actions = tuple(self._actions), []
        return actions

    def take_told(self) -> tuple[Tell, ...]:
        """Get what was told, once."""
        told, self._told = tuple(self._told), []
        return told

    def _alarm(self, now_s: float) -> str:
        return self.off_failed or self._chamber.stray or self._watch.lost(now_s)

    def _say_off(self, why: str, now_s: float) -> None:
        """Let off be the first that is done, and the only thing that is done to the tube."""
        self._off_said_s = now_s
        told = [each for each in self._actions if isinstance(each, Tell)]
        self._actions = [DoOff(why), *told]
