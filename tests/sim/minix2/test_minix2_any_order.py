from hypothesis import given, settings
from hypothesis import strategies as st

from instruments.sim.minix2 import SimMiniX2, Unit
from tests.sim.minix2.conftest import STATUS, Crystal, packet

REQUESTS = [
    bytes.fromhex(STATUS),
    packet(0xF0, 0x33, b"\x00"),
    *(
        packet(0x20, 0x02, text)
        for text in (b"HVSE=40.0;CUSE=100.0;", b"HVSE=10;CUSE=5;", b"HVSE=0;", b"CUSE=OFF;", b"HVSE=9;", b"CUSE=250;")
    ),
]
HOOKS = ["open_interlock", "close_interlock", "short_interlock", "unplug", "plug", "power_cycle", "release_hv"]
pauses = st.floats(0.0, 4.0)
steps = st.lists(st.tuples(pauses, st.sampled_from(REQUESTS) | st.tuples(st.sampled_from(HOOKS), pauses)), max_size=20)


def play(script, *, look_every_s: float, is_restless: bool = False) -> tuple[SimMiniX2, Crystal]:
    """Do what the script says, looking at the device in between as often as asked."""
    crystal = Crystal()
    device = SimMiniX2(crystal, seed=5, unit=Unit(restarts_when_closed=is_restless))
    now_s = 0.0
    for pause_s, action in [*script, (20.0, None)]:
        for number in range(int(pause_s / look_every_s)):
            device.advance(min(now_s + number * look_every_s, now_s + pause_s))
        now_s += pause_s
        if isinstance(action, bytes):
            device.receive(action, now_s)
        elif action is not None:
            getattr(device, action[0])(now_s + action[1])
    device.advance(now_s)
    return device, crystal


@settings(deadline=None, max_examples=60)
@given(steps, st.booleans())
def test_it_does_not_matter_how_late_somebody_looks(script, is_restless):
    watched, seen = play(script, look_every_s=0.03, is_restless=is_restless)
    alone, unseen = play(script, look_every_s=1e9, is_restless=is_restless)
    assert watched.beam_log == alone.beam_log
    assert seen.beams == unseen.beams


@settings(deadline=None, max_examples=60)
@given(steps, st.booleans())
def test_the_beam_is_on_only_while_the_interlock_is_closed(script, is_restless):
    changes = [(0.0, True)]
    now_s = 0.0
    for pause_s, action in script:
        now_s += pause_s
        if isinstance(action, tuple) and "interlock" in action[0]:
            changes.append((now_s + action[1], action[0] == "close_interlock"))
    changes.sort(key=lambda each: each[0])
    device, _ = play(script, look_every_s=1e9, is_restless=is_restless)
    for event in device.beam_log:
        closed = [is_closed for time_s, is_closed in changes if time_s <= event.time_s][-1]
        before = [is_closed for time_s, is_closed in changes if time_s < event.time_s] or [True]
        assert not event.on or closed or before[-1]
    assert not device.beam_on or changes[-1][1]


@settings(deadline=None, max_examples=60)
@given(steps)
def test_a_host_that_is_gone_leaves_no_beam_behind(script):
    device, crystal = play(script, look_every_s=1e9)
    assert not device.beam_on
    assert crystal.beam == (0, 0)
