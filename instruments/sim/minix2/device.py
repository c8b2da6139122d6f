"""The instrument as its cable sees it, and the things that happen to it.

Everything happens lazily: the owner says what time it is with each call, and the device catches up.
"""

import math
from collections import deque
from collections.abc import Callable

from instruments.sim.device import Reply
from instruments.sim.minix2.controller import Controller, Due
from instruments.sim.minix2.output import BeamEvent, Output, TubeHead, Worst
from instruments.sim.minix2.packets import Framer, Request, Spoiled
from instruments.sim.minix2.requests import Requests
from instruments.sim.minix2.unit import Unit

SERIAL_BAUD = 115200
SERIAL_GAP_S = 0.1
BITS_PER_CHARACTER = 10
CLOSED_MA, SHORTED_MA = 25.0, 48.0
HOT_C = 65.0
REFUSALS_KEPT = 1000


class SimMiniX2:
    """A Mini-X2 with its tube behind USB or a network (`baud` None) or RS-232 (`baud` 115200).

    `start_s` is when it is switched on. `on_event` is given every change of the true output.
    """

    terminator = b""
    keeps_unread = True

    def __init__(
        self, head: TubeHead, *, seed: int = 0, baud: int | None = None, serial: int = 12345, unit: Unit | None = None,
        start_s: float = 0.0, on_event: Callable[[BeamEvent], None] | None = None,
    ) -> None:  # fmt: skip
        if baud not in (None, SERIAL_BAUD):
            raise ValueError(f"baud {baud}: the instrument has {SERIAL_BAUD} only")
        self.baud = baud
        unit = unit or Unit()
        self._output = Output(head, ramp_kv_s=unit.ramp_kv_s, ramp_ua_s=unit.ramp_ua_s, on_event=on_event)
        self.controller = Controller(self._output, unit, serial=serial, seed=seed, start_s=start_s)
        self.refused: list[tuple[str, int]] = []
        """What was not understood or not done: the bytes as text, and the acknowledge code."""

        self._requests = Requests(self.controller)
        self._framer = Framer(is_serial=baud is not None)
        self._heard_byte_s = -math.inf
        self._busy_until_s = -math.inf
        self._inbox: deque[tuple[float, Request | Spoiled]] = deque()
        self._outbox: deque[Reply] = deque()
        self._happenings: list[Due] = []
        self._quiet_until_s = -math.inf
        """Nothing is due before this moment, unless somebody speaks with it or does something to it."""

    # what tests and benches look at -------------------------------------------------------------------------------
    @property
    def beam_log(self) -> list[BeamEvent]:
        """Get every change of the true output, the oldest first."""
        return self._output.beam_log

    @property
    def worst(self) -> Worst:
        """Get the largest true voltage, current and power, and the largest power of the set-points."""
        return self._output.worst

    @property
    def beam_on(self) -> bool:
        """Tell whether the tube is truly on."""
        return self._output.on

    @property
    def writes_that_must_not_happen(self) -> list[tuple[float, str]]:
        """Get table writes, I2C transfers and overrides that were accepted, with their moments."""
        return self.controller.writes

    @property
    def switched_on_without_warm_up_s(self) -> list[float]:
        """Get the moments at which the tube went on although a warm-up was due."""
        return self.controller.rest.skipped_s

    # what a transport calls ---------------------------------------------------------------------------------------
    def receive(self, data: bytes, now_s: float) -> None:
        """Take bytes from the host."""
        self.advance(now_s)
        if not self.controller.is_plugged:
            return
        arrival_s = now_s if self.baud is None else now_s + len(data) * BITS_PER_CHARACTER / self.baud
        if self.baud is not None and now_s - self._heard_byte_s > SERIAL_GAP_S:
            self._framer.drop()
        self._heard_byte_s = arrival_s
        self._inbox.extend((arrival_s, request) for request in self._framer.feed(data))
        self._quiet_until_s = -math.inf
        self.advance(now_s)

    def replies(self, now_s: float) -> list[Reply]:
        """Give all replies that were made by now, each with the moment its last byte is out."""
        self.advance(now_s)
        found = list(self._outbox)
        self._outbox.clear()
        return found

    def next_s(self) -> float | None:
        """Get when something will happen by itself; None when nothing will before the host does something."""
        moments = [moment_s for moment_s, _ in self._due()]
        return min(moments) if moments else None

    def clear(self, now_s: float) -> None:
        """Forget what has come and what was answered, as a reset of the bus does; no message does it."""
        self.advance(now_s)
        self._framer.drop()
        self._inbox.clear()
        self._outbox.clear()
        self._quiet_until_s = -math.inf

    def serial_poll(self, now_s: float) -> int:
        """There is no status byte on this cable."""
        self.advance(now_s)
        return 0

    def unread(self, now_s: float) -> None:
        """A reply left unread stays on the line."""
        self.advance(now_s)

    def unasked(self, now_s: float) -> None:
        """A read without a question changes nothing."""
        self.advance(now_s)

    # catching up --------------------------------------------------------------------------------------------------
    def advance(self, now_s: float) -> None:
        """Do everything due by `now_s`, in the order of time and each at its own moment."""
        while now_s >= self._quiet_until_s:
            due = self._due()
            if not due:
                self._quiet_until_s = math.inf
                break
            moment_s, act = min(due, key=lambda each: each[0])
            if moment_s > now_s:
                self._quiet_until_s = moment_s
                break
            self.controller.now_s = max(self.controller.now_s, moment_s)
            act()
        self.controller.now_s = max(self.controller.now_s, now_s)

    def _due(self) -> list[Due]:
        found = [*self._happenings[:1], *self.controller.due()]
        if self._inbox:
            found.append((max(self._inbox[0][0], self._busy_until_s), self._handle))
        return found

    def _handle(self) -> None:
        _, request = self._inbox.popleft()
        answer, now_s, unit = self._requests.answer(request), self.controller.now_s, self.controller.unit
        if answer.code and len(self.refused) < REFUSALS_KEPT:
            raw = request.raw if isinstance(request, Spoiled) else bytes(request.pid) + request.data
            self.refused.append((raw.hex(" "), answer.code))
        self._busy_until_s = now_s + (unit.stall_s if answer.stalls else 0.0)
        line_s = 0.0 if self.baud is None else len(answer.packet) * BITS_PER_CHARACTER / self.baud
        self._outbox.append(Reply(answer.packet, now_s + unit.reply_s + line_s))

    # what happens to it: each at a moment that may lie ahead; one in the past happens now ---------------------------
    def open_interlock(self, at_s: float) -> None:
        """Break the interlock loop."""
        self.set_interlock(at_s, 0.0)

    def close_interlock(self, at_s: float) -> None:
        """Close the interlock loop."""
        self.set_interlock(at_s, CLOSED_MA)

    def short_interlock(self, at_s: float) -> None:
        """Bridge the lamp of the interlock loop."""
        self.set_interlock(at_s, SHORTED_MA)

    def set_interlock(self, at_s: float, current_ma: float) -> None:
        """Change the current of the interlock loop."""

        def act() -> None:
            self.controller.interlock_ma = current_ma
            self.controller.look_around()

        self._schedule(at_s, act)

    def set_supply(self, at_s: float, volts: float) -> None:
        """Change the input supply."""

        def act() -> None:
            self.controller.supply_v = volts
            self.controller.look_around()

        self._schedule(at_s, act)

    def over_temperature(self, at_s: float, board_c: float = HOT_C) -> None:
        """Heat the surroundings of the board; the firmware has no fault for it and goes on."""

        def act() -> None:
            self.controller.board.ambient_c = board_c

        self._schedule(at_s, act)

    def unplug(self, at_s: float) -> None:
        """Pull the USB cable."""

        def act() -> None:
            self.controller.unplug()
            self._framer.drop()
            self._inbox.clear()
            self._outbox.clear()

        self._schedule(at_s, act)

    def plug(self, at_s: float) -> None:
        """Put the USB cable back."""
        self._schedule(at_s, self.controller.plug)

    def power_cycle(self, at_s: float) -> None:
        """Switch the controller off and on again."""
        self._schedule(at_s, self.controller.power_cycle)

    def hv_stuck_on(self, at_s: float, *, shown: bool = True) -> None:
        """From then on nothing switches the tube off. `shown`: the enable bits tell it, not the monitors only."""

        def act() -> None:
            self._output.is_stuck, self.controller.shows_stuck = True, shown

        self._schedule(at_s, act)

    def release_hv(self, at_s: float) -> None:
        """End being stuck on."""
        self._schedule(at_s, self.controller.release)

    def offset_monitors(self, at_s: float, *, kv: float = 0.0, ua: float = 0.0) -> None:
        """Make the monitors show so much more than there is."""

        def act() -> None:
            self.controller.monitors.offset_kv, self.controller.monitors.offset_ua = kv, ua

        self._schedule(at_s, act)

    def _schedule(self, at_s: float, act: Callable[[], None]) -> None:
        if math.isnan(at_s):
            raise ValueError("a moment must be a number")

        def happen() -> None:
            self._happenings.pop(0)
            act()

        self._happenings.append((at_s, happen))
        self._happenings.sort(key=lambda each: each[0])
        self._quiet_until_s = -math.inf
        self.advance(self.controller.now_s)
