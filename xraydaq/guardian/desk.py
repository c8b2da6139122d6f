"""Takes requests to a mounted guardian and answers them; the line to whoever asks is not its business."""

from collections import deque
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

from xraydaq.errors import InstrumentError, Refused, XraydaqError
from xraydaq.guardian.messages import (
    AskIdentity,
    AskSettings,
    AskWarmUpDue,
    AskWarmUpProgress,
    Bye,
    MessageError,
    Request,
    View,
    WarmUp,
    parse_request,
)
from xraydaq.guardian.mount import Mount
from xraydaq.guardian.replies import MOST_TOLD, Reply, kind_of, may_shine
from xraydaq.safety.guard_events import Arm, BeamView, Event, Off, Renew, SetBeam, Stop, Tell

NO_NUMBER = 0
SWITCHES_ON = (SetBeam, WarmUp)


class Desk:
    """One client's requests. `is_stopping` tells whether an off is under way that the rules do not know of yet."""

    def __init__(
        self, mount: Mount, *, record: Callable[[str, str, str], None] = lambda *_: None,
        is_stopping: Callable[[], bool] = lambda: False,
    ) -> None:  # fmt: skip
        self._mount = mount
        self._record = record
        self._is_stopping = is_stopping
        self._told: deque[Tell] = deque(maxlen=MOST_TOLD)
        self.said_bye = False

    def answer(self, line: bytes) -> Reply:
        """Take one line of the client. What is no message takes the beam away: nobody knows what it was to be."""
        number = NO_NUMBER
        try:
            request = parse_request(line)
            number = request.number
            result = self._do(request)
        except XraydaqError as error:
            if isinstance(error, MessageError):
                self._distrust(str(error))
            kind = "SafetyTrip" if self._mount.trip and isinstance(error, _Forbidden) else kind_of(error)
            self._record("refused", str(error), "warning")
            return Reply(number, self.view(), str(error) or kind, kind)
        return Reply(number, self.view(), result=result)

    def view(self) -> BeamView:
        """Get what the client may know, and what happened since it was told last."""
        view = self.watch()
        told = tuple(self._told)
        self._told.clear()
        return replace(view, told=told)

    def watch(self) -> BeamView:
        """Get the same for somebody else: what happened is kept for the client."""
        view = self._mount.view()
        self._told.extend(view.told)
        return replace(view, told=())

    def _do(self, request: Request) -> Any:
        result: Any = None
        match request.asked:
            case View():
                pass
            case WarmUp() as wanted:
                result = self._warm_up(wanted)
            case AskWarmUpProgress():
                result = asdict(self._mount.warm_up_progress())
            case AskSettings():
                result = self._in_the_dark(self._mount.tube.settings)
            case AskIdentity():
                result = self._in_the_dark(lambda: asdict(self._mount.tube.identify()))
            case AskWarmUpDue():
                result = self._mount.warm_up_due
            case Bye():
                self._part()
            case event:
                self._ask(event)
        return result

    def _ask(self, event: Event) -> None:
        if isinstance(event, SWITCHES_ON):
            self._check_not_stopping()
        if isinstance(event, Arm | SetBeam):
            self._mount.look(patient=False)
        refused = self._mount.request(event)
        if isinstance(event, Off | Stop):
            self._mount.look(patient=False)  # what is answered was seen after it
        if refused:
            raise _Forbidden(refused) if isinstance(event, SetBeam | Renew) else Refused(refused)

    def _warm_up(self, wanted: WarmUp) -> Any:
        self._check_not_stopping()
        self._mount.look(patient=False)
        refused = self._mount.warm_up("monthly" if wanted.kind == "monthly" else "daily")
        if refused:
            raise _Forbidden(refused)
        return asdict(self._mount.warm_up_progress())

    def _check_not_stopping(self) -> None:
        if self._is_stopping():
            raise _Forbidden("it is being switched off")

    def _in_the_dark(self, ask: Callable[[], Any]) -> Any:
        """Ask the tube what takes several exchanges: nothing else is heard meanwhile."""
        if may_shine(self.watch()):
            raise Refused("the beam is not shown to be off; nothing else is asked of the tube meanwhile")
        return ask()

    def _part(self) -> None:
        self.said_bye = True
        self._mount.request(Off())
        self._mount.tube.safe_off()
        self._mount.look(patient=False)

    def _distrust(self, why: str) -> None:
        if may_shine(self.watch()):
            try:
                self._mount.request(Stop(f"the guardian: it was sent {why}"))
            except InstrumentError as error:  # the rules know
                self._record("off failed", str(error), "error")


class _Forbidden(Refused):
    """The rules forbid a beam; because of a trip, if there is one."""
