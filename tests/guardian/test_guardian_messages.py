"""The guardian's protocol: what is said arrives, and nothing else does."""

import json
import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instruments.minix2 import MiniX2
from instruments.sim.bench import SimBench
from xraydaq.clock import JumpingClock
from xraydaq.guardian import messages as m
from xraydaq.guardian.desk import Desk
from xraydaq.guardian.mount import Mount
from xraydaq.guardian.replies import Note, Reply, encode_note, encode_reply, parse_answer
from xraydaq.guardian.setup import Setup, Wanted, encode_setup, parse_setup
from xraydaq.safety.guard_events import (
    Arm,
    BeamState,
    BeamView,
    Disarm,
    DoseSeen,
    GuardLimits,
    Off,
    Renew,
    SetBeam,
    Stop,
    Tell,
)
from xraydaq.safety.sessions import Owned

LIMITS = GuardLimits(max_voltage_v=50e3, max_current_a=200e-6, max_power_w=10.0, max_on_s=600.0, max_dose_gy=10.0)
ARMED = Arm("a tester", attended=True, on_s=500.0, dose_gy=1.0)
GOOD = (
    ARMED, Disarm(), Renew(), SetBeam(30e3, 50e-6, 1e-6), m.WarmUp("daily"), Off(), Stop("a tester"),
    DoseSeen(1e-6, 1e-9, 1.0), m.View(), m.AskSettings(), m.AskIdentity(), m.AskWarmUpDue(), m.AskWarmUpProgress(),
    m.Bye(),
)  # fmt: skip
SETUP = Setup(
    "a test", "ASRL/dev/ttyUSB0::INSTR", None, 115200, "8N1", Wanted(model="Mini-X2"), LIMITS, "/tmp/c.sock", None,
    (Owned("smu", "keithley2400", "GPIB0::24::INSTR", None, None),),
)  # fmt: skip
numbers = st.floats(-1e15, 1e15)
texts = st.text(min_size=1, max_size=m.MOST_TEXT).filter(lambda text: text.isprintable() and text.strip())
views = st.builds(
    BeamView, state=st.sampled_from(BeamState), voltage_set_v=numbers, current_set_a=numbers,
    voltage_v=numbers | st.just(math.nan), current_a=numbers | st.just(math.nan), trip=st.text(max_size=50),
    armed_by=st.text(max_size=50), countdown_s=numbers, on_s=numbers, on_left_s=numbers, dose_gy=numbers,
    seen_age_s=numbers | st.just(math.inf), board_k=numbers | st.just(math.nan), fault=st.text(max_size=50),
    told=st.lists(st.builds(Tell, st.text(max_size=20), st.text(max_size=50)), max_size=3).map(tuple),
)  # fmt: skip


def said(asked, number=7):
    return m.encode_request(m.Request(number, asked)).rstrip(b"\n")


@pytest.mark.parametrize("asked", GOOD, ids=lambda each: type(each).__name__)
def test_every_request_arrives_as_it_was_sent_with_its_number(asked):
    assert m.parse_request(said(asked, 12)) == m.Request(12, asked)


@settings(derandomize=True, max_examples=50)
@given(asked=st.builds(SetBeam, numbers, numbers, numbers) | st.builds(Stop, texts) | st.builds(
    Arm, texts, st.booleans(), numbers, numbers, st.booleans()))  # fmt: skip
def test_values_cross_the_line_unchanged(asked):
    assert m.parse_request(said(asked)).asked == asked


def test_a_dose_that_is_no_number_stays_none():
    asked = m.parse_request(said(DoseSeen(math.nan, math.nan, 1.0))).asked
    assert math.isnan(asked.rate_gy_s)
    assert math.isnan(asked.sigma_gy_s)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e300])
def test_a_beam_that_is_no_number_is_not_even_sent(value):
    with pytest.raises(m.MessageError):
        said(SetBeam(value, 1e-6))


@settings(derandomize=True, max_examples=50)
@given(view=views, refused=st.text(max_size=50))
def test_replies_and_views_arrive_as_they_were_sent(view, refused):
    reply = Reply(5, view, refused, "SafetyTrip", {"a": 1})
    assert repr(parse_answer(encode_reply(reply).rstrip(b"\n"))) == repr(reply)  # nan is not itself


def test_notes_and_setups_arrive_as_they_were_sent():
    assert parse_answer(encode_note(Note("busy", "for 1 s")).rstrip(b"\n")) == Note("busy", "for 1 s")
    assert parse_setup(encode_setup(SETUP).rstrip(b"\n")) == SETUP


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("do",), "arm"), (("v",), 2), (("resource",), ""), (("resource",), None), (("baud",), True), (("baud",), -1),
        (("frame",), "9N1"), (("limits", "max_voltage_v"), 0), (("limits", "max_power_w"), "10"),
        (("limits", "lease_s"), None), (("limits", "unattended"), 1), (("limits", "more"), 1),
        (("control",), "relative.sock"), (("log",), "\0"), (("wanted", "model"), None), (("others",), {}),
        (("others",), [1]), (("others",), [{"role": "smu"}]), (("extra",), 1),
    ],
)  # fmt: skip
def test_a_setup_that_is_not_exactly_one_is_refused(path, value):
    record = json.loads(encode_setup(SETUP))
    within = record
    for key in path[:-1]:
        within = within[key]
    within[path[-1]] = value
    with pytest.raises(m.MessageError):
        parse_setup(json.dumps(record).encode())


@settings(derandomize=True, max_examples=200)
@given(data=st.binary(max_size=200))
def test_no_bytes_whatever_raise_anything_but_a_message_error(data):
    for parse in (m.parse_request, parse_answer, parse_setup):
        with pytest.raises(m.MessageError):
            parse(data)


# malformed messages
WRONG = (
    None, True, "5", [5], {"a": 5}, float("nan"), float("inf"), -float("inf"), 10**30, -(10**400), "", " ", "a\nb",
    "\x00", "x" * (m.MOST_TEXT + 1), "\ud800", [[[]]],
)  # fmt: skip
HEADERS = {
    "v": (0, 2, 1.0, "1", None, True),
    "n": (-1, 1.5, "7", None, True, 2**60),
    "do": ("", "ARM", "on", 5, None, ["set"], {"do": "set"}, "setup"),
}


def malformed(rng):
    """Get bytes that are no message, by a way that is drawn."""
    asked = rng.choice(GOOD)
    line = said(asked, rng.randrange(1000))
    record = json.loads(line)
    return rng.choice(WAYS)(rng, line, record)


def _random_bytes(rng, line, record):
    return rng.randbytes(rng.randrange(200))


def _cut(rng, line, record):
    return line[: rng.randrange(len(line))]


def _followed(rng, line, record):
    return line + rng.choice([b"}", b"x", b",{}", line, b"\x00"])


def _bad_utf8(rng, line, record):
    at = rng.randrange(len(line))
    return line[:at] + bytes([rng.randrange(0xF8, 0x100)]) + line[at:]


def _key_missing(rng, line, record):
    record.pop(rng.choice(sorted(record)))
    return json.dumps(record).encode()


def _key_unknown(rng, line, record):
    record[rng.choice(["x", "voltage", "V", "", "dose_rate", "armed"])] = rng.choice([1, None, "a"])
    return json.dumps(record).encode()


def _key_twice(rng, line, record):
    key = rng.choice(sorted(record))
    return line[:-1] + f",{json.dumps(key)}:{json.dumps(record[key])}}}".encode()


def _wrong_header(rng, line, record):
    key = rng.choice(sorted(HEADERS))
    return json.dumps(record | {key: rng.choice(HEADERS[key])}).encode()


def _wrong_value(rng, line, record):
    fields = sorted(record.keys() - HEADERS.keys())
    if not fields:
        return _wrong_header(rng, line, record)
    key = rng.choice(fields)
    wrong = [each for each in WRONG if not _may_be(key, each)]
    return json.dumps(record | {key: rng.choice(wrong)}).encode()


def _wrapped(rng, line, record):
    return rng.choice(
        [b"[" + line + b"]", b'"' + line + b'"', b"[" * 3000, b'{"v":' * 800, line.decode().encode("utf-16")]
    )


def _too_long(rng, line, record):
    return line[:-1] + b" " * m.MOST_REQUEST_BYTES + b"}"


WAYS = (
    _random_bytes, _cut, _followed, _bad_utf8, _key_missing, _key_unknown, _key_twice, _wrong_header, _wrong_value,
    _wrapped, _too_long,
)  # fmt: skip


def _may_be(key, value):
    if isinstance(value, bool):
        return key in ("attended", "expects_dose")
    if value is None:
        return key in ("rate_gy_s", "sigma_gy_s")
    return isinstance(value, str) and key in ("name", "who") and bool(value.strip()) and value.isprintable() and (
        len(value) <= m.MOST_TEXT)  # fmt: skip


class Guarded:
    """A guardian in this process, on a simulated tube that is looked at directly."""

    def __init__(self):
        self.clock = JumpingClock(1.8e9)
        self.bench = SimBench(self.clock, roles=("tube",))
        self.device = self.bench.devices["tube"]
        tube = MiniX2(
            self.bench.adapter("tube"), clock=self.clock, max_voltage_v=50e3, max_current_a=200e-6, max_power_w=10.0
        )
        self.mount = Mount(tube, LIMITS, self.clock)
        self.mount.prepare()
        self.desk = Desk(self.mount)

    def shine(self):
        self.mount.tube.safe_off()
        self.mount.look()
        for asked in (ARMED, SetBeam(10e3, 10e-6)):
            reply = self.desk.answer(said(asked))
            assert not reply.refused, reply.refused
        assert self.device.beam_on


def flood(count, seed):
    """Say so many malformed messages to a guardian whose beam is on now and then; gets how often it was."""
    rng, guarded, times_on = random.Random(seed), Guarded(), 0
    for number in range(count):
        if number % 1000 == 999:
            guarded.shine()
            times_on += 1
        line = malformed(rng)
        reply = guarded.desk.answer(line)
        assert reply.refused, line
        assert reply.kind == "MessageError", line
        assert not guarded.device.beam_on, line
        assert parse_answer(encode_reply(reply).rstrip(b"\n")).number == reply.number
        if number % 100 == 0:
            guarded.mount.look()
    assert len([event for event in guarded.device.beam_log if event.cause == "set-points"]) == times_on
    return times_on


def test_malformed_messages_are_refused_and_take_the_beam_away():
    assert flood(5_000, seed=1) == 5


@pytest.mark.long
def test_a_hundred_thousand_malformed_messages_are_refused_and_take_the_beam_away():
    assert flood(100_000, seed=2) == 100


@pytest.mark.parametrize("count", [2_000, pytest.param(50_000, marks=pytest.mark.long)])
def test_messages_with_a_wrong_bit_never_switch_on_what_nobody_has_armed(count):
    rng, guarded = random.Random(3), Guarded()
    unarmed = [each for each in GOOD if not isinstance(each, Arm | m.Bye)]
    for _ in range(count):
        line = bytearray(said(rng.choice(unarmed)))
        line[rng.randrange(len(line))] ^= 1 << rng.randrange(8)
        guarded.desk.answer(bytes(line))
        assert not guarded.device.beam_log
