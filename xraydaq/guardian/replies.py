"""What the guardian's process answers: a reply to each request, and notes that nobody asked for.

A reply says whether the request was taken, what is known of the beam, and what was asked for if anything was. Where a
field of the view can be no number, it is ``null`` on the line.
"""

import math
from dataclasses import dataclass, fields, replace
from typing import Any

from xraydaq.errors import BusyError, InstrumentError, LimitError, Refused, SafetyTrip, XraydaqError
from xraydaq.guardian.messages import (
    MOST_TEXT,
    VERSION,
    MessageError,
    encode_object,
    flag_field,
    number_field,
    number_or_nan,
    parse_object,
    take_fields,
    take_header,
)
from xraydaq.safety.guard_events import DARK_CURRENT_A, BeamState, BeamView, Tell

MOST_REPLY_BYTES = 200_000
MOST_TOLD = 100

KINDS: dict[str, type[XraydaqError]] = {
    each.__name__: each for each in (LimitError, Refused, InstrumentError, SafetyTrip, BusyError, MessageError)
}
"""How a refusal is raised at the other end, by the name it has on the line."""

BUSY, ENDED = "busy", "ended"


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to the request of this number; `refused` is empty if it was taken."""

    number: int
    view: BeamView | None
    refused: str = ""
    kind: str = "Refused"
    result: Any = None

    def raise_refusal(self) -> None:
        """Raise what the refusal is.

        Raises:
            XraydaqError: of the refusal's kind; nothing if it is none.
        """
        if self.refused:
            raise KINDS[self.kind](self.refused)


@dataclass(frozen=True, slots=True)
class Note:
    """What the guardian says by itself: ``busy`` is a sign of life, after ``ended`` it says no more."""

    kind: str
    text: str


def may_shine(view: BeamView) -> bool:
    """Tell whether X-rays are wanted, shown, or cannot be excluded; a falling voltage without current makes none."""
    return view.state is BeamState.UNKNOWN or view.voltage_set_v > 0 or not view.current_a < DARK_CURRENT_A


def kind_of(error: XraydaqError) -> str:
    """Get the name under which an error crosses the line."""
    return next((name for name, each in KINDS.items() if isinstance(error, each)), "Refused")


def encode_reply(reply: Reply) -> bytes:
    """Spell a reply as a line with its end."""
    view = None if reply.view is None else _spelled(reply.view)
    return encode_object(
        {
            "v": VERSION, "n": reply.number, "ok": not reply.refused, "refused": _short(reply.refused),
            "kind": reply.kind, "view": view, "result": reply.result,
        }
    )  # fmt: skip


def encode_note(note: Note) -> bytes:
    """Spell a note as a line with its end."""
    return encode_object({"v": VERSION, "n": 0, "note": note.kind, "text": _short(note.text)})


def parse_answer(line: bytes) -> Reply | Note:
    """Turn a line, without its end, into what it is.

    Raises:
        MessageError: anything else.
    """
    record = parse_object(line, MOST_REPLY_BYTES)
    number = take_header(record)
    if "note" in record:
        said = take_fields(record, {"note": _any_text, "text": _any_text})
        if said["note"] not in (BUSY, ENDED):
            raise MessageError("no such note")
        return Note(said["note"], said["text"])
    found = take_fields(record, _REPLY)
    if found["kind"] not in KINDS or found["ok"] == bool(found["refused"]):
        raise MessageError("neither taken nor refused")
    view = None if found["view"] is None else _view(found["view"])
    return Reply(number, view, found["refused"], found["kind"], found["result"])


def _spelled(view: BeamView) -> dict[str, Any]:
    spelled = {each.name: getattr(view, each.name) for each in fields(view)}
    for key, value in spelled.items():
        if isinstance(value, float) and not math.isfinite(value):
            spelled[key] = None
    told = [[each.kind, _short(each.text), each.severity] for each in view.told[-MOST_TOLD:]]
    return spelled | {"state": view.state.value, "told": told, "trip": _short(view.trip), "fault": _short(view.fault)}


def _view(record: object) -> BeamView:
    if not isinstance(record, dict):
        raise MessageError("not a view")
    checks = {each.name: _VIEW.get(each.name, number_field) for each in fields(BeamView)}
    view = BeamView(**take_fields(record, checks))
    return replace(view, seen_age_s=math.inf) if math.isnan(view.seen_age_s) else view


def _state(value: object) -> BeamState:
    try:
        return BeamState(value)  # type: ignore[arg-type]  # what it is not, it refuses
    except ValueError:
        raise MessageError("no state of a beam") from None


def _told(value: object) -> tuple[Tell, ...]:
    if not isinstance(value, list) or len(value) > MOST_TOLD:
        raise MessageError("not what happened")
    for each in value:
        if not isinstance(each, list) or len(each) != 3 or not all(isinstance(part, str) for part in each):
            raise MessageError("not what happened")
    return tuple(Tell(*each) for each in value)


def _any_text(value: object) -> str:
    if not isinstance(value, str):
        raise MessageError("not a text")
    return value


def _anything(value: object) -> object:
    return value


def _short(text: str) -> str:
    return text if len(text) <= 2 * MOST_TEXT else f"{text[: 2 * MOST_TEXT]} ..."


_REPLY = {
    "ok": flag_field, "refused": _any_text, "kind": _any_text, "view": _anything, "result": _anything,
}  # fmt: skip
_VIEW: dict[str, Any] = {
    "state": _state,
    "told": _told,
    **dict.fromkeys(("voltage_v", "current_a", "board_k", "seen_age_s"), number_or_nan),
    **dict.fromkeys(("trip", "armed_by", "fault"), _any_text),
}
