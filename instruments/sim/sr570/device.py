"""The SR570 as its serial line sees it: it listens, and it never says anything."""

import math
import re
from collections import deque
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from instruments.sim.device import Reply
from instruments.sim.sr570.language import RESET_COMMAND, RESET_OVERLOAD, Understood, parse
from instruments.sim.sr570.output import Change, CurrentSource, Output
from instruments.sim.sr570.state import LEFT_BY_SOMEBODY, State

BITS_PER_CHARACTER = 11
"""One start bit, eight data bits, two stop bits."""
EXECUTION_S = 3e-3
RESET_S = 1.0
REFUSALS_KEPT = 1000
LONGEST_LINE = 256

_END = re.compile(rb"[\r\n;]")


class SimSr570:
    """An SR570 on its serial line, with a current source at its input.

    `memory` is what its battery brings back at power-on. `offset_polarity` is +1 when the positive sign of the offset
    current adds to the input current (assumed; public packages disagree), else -1.
    """

    terminator = b"\r\n"
    baud: int | None = 9600
    keeps_unread = True

    def __init__(
        self, source: CurrentSource, *, seed: int = 0, memory: State = LEFT_BY_SOMEBODY, offset_polarity: int = 1,
        byte_loss: float = 0.0,
    ) -> None:  # fmt: skip
        self.state = memory
        self.refused: list[str] = []
        """What was ignored; the real one leaves no trace of it."""
        self.understood_count = 0
        self.byte_loss = byte_loss
        """The share of bytes that the line loses."""
        self.before_change: Callable[[float], None] = lambda _time_s: None
        """Called with the moment before the bias changes: who digitises the output may sample up to it first."""
        self._source = source
        self._output = Output(source, memory, seed=seed, offset_polarity=offset_polarity)
        self._rng = np.random.default_rng([seed, 9600])
        self._to_drop = 0
        self._partial = b""
        self._line_free_s = 0.0
        self._ready_s = 0.0
        self._inbox: deque[tuple[float, str]] = deque()
        self._bias_v = 0.0
        self._is_sampled = False
        self._sampled_to_s = -math.inf
        self._set_bias(0.0)

    # what a transport calls ---------------------------------------------------------------------------------------
    def receive(self, data: bytes, now_s: float) -> None:
        """Take bytes from the host, one after the other at the speed of the line."""
        self.advance(now_s)
        at_s = max(now_s, self._line_free_s)
        for byte in data:
            at_s += BITS_PER_CHARACTER / 9600
            if not self._is_lost():
                self._take(bytes([byte]), at_s)
        self._line_free_s = at_s
        self.advance(now_s)

    def replies(self, now_s: float) -> list[Reply]:
        """Give nothing, ever."""
        self.advance(now_s)
        return []

    def next_s(self) -> float | None:
        """Get when the next command is executed; nothing will ever come back."""
        due_s = self._due_s()
        return due_s if math.isfinite(due_s) else None

    def clear(self, now_s: float) -> None:
        """A serial break does nothing."""
        self.advance(now_s)

    def serial_poll(self, now_s: float) -> int:
        """There is no status byte."""
        self.advance(now_s)
        return 0

    def unread(self, now_s: float) -> None:
        """Nothing can be unread."""
        self.advance(now_s)

    def unasked(self, now_s: float) -> None:
        """Nobody answers."""
        self.advance(now_s)

    # what a digitiser and a person at the bench do ----------------------------------------------------------------
    def voltages_v(self, start_s: float, spacing_s: float, count: int) -> NDArray[np.float64]:
        """Get the mean output voltage of `count` windows of `spacing_s` from `start_s` on; time never goes back."""
        self._is_sampled = True
        try:
            return self._sample(start_s, spacing_s, count)
        finally:
            self._is_sampled = False

    def _sample(self, start_s: float, spacing_s: float, count: int) -> NDArray[np.float64]:
        """Sample piece by piece, each up to the next command."""
        found = np.empty(count)
        at = 0
        while at < count:
            from_s = start_s + at * spacing_s
            self._execute_until(from_s + 1e-6 * spacing_s)
            before_next = min((self._due_s() - start_s) / spacing_s, count)
            to = max(math.ceil(before_next - 1e-6), at + 1)
            found[at:to] = self._output.voltages_v(from_s, spacing_s, to - at)
            self._sampled_to_s = start_s + to * spacing_s
            at = to
        return found

    def truth(self) -> dict[str, object]:
        """Get how far this unit is off, for the record of a run."""
        return self._output.truth()

    @property
    def overload_latched(self) -> bool:
        """Tell whether the lamp has come on in what was sampled since the overload was last reset."""
        return self._output.overload_latched

    def turn_knobs(self, now_s: float, **settings: int) -> None:
        """Somebody changes settings at the front panel, named as in `State`."""
        self.advance(now_s)
        self._enter(replace(self.state, **settings), now_s)  # type: ignore[arg-type]

    def drop_bytes(self, count: int = 1) -> None:
        """Lose the next bytes on the line."""
        self._to_drop += count

    def cycle_power(self, now_s: float) -> None:
        """Somebody switches it off and on: the settings come back from memory, half a command does not."""
        self.advance(now_s)
        self._partial = b""
        self._inbox.clear()
        self._output.change(Change(now_s, self.state, discharges=True))

    # catching up --------------------------------------------------------------------------------------------------
    def advance(self, now_s: float) -> None:
        """Execute the commands due by `now_s`; while the output is sampled they keep their place in time."""
        if not self._is_sampled:
            self._execute_until(now_s)

    def _execute_until(self, now_s: float) -> None:
        while (moment_s := self._due_s()) <= now_s:
            _, text = self._inbox.popleft()
            self._execute(text, moment_s)

    def _due_s(self) -> float:
        """Get when the next command is executed."""
        return max(self._inbox[0][0] + EXECUTION_S, self._ready_s) if self._inbox else math.inf

    def _is_lost(self) -> bool:
        if self._to_drop:
            self._to_drop -= 1
            return True
        return self.byte_loss > 0 and bool(self._rng.random() < self.byte_loss)

    def _take(self, byte: bytes, at_s: float) -> None:
        if _END.fullmatch(byte) is None:
            self._partial = (self._partial + byte)[-LONGEST_LINE:]
            return
        text, self._partial = self._partial.decode("latin-1").strip(" "), b""
        if text:
            self._inbox.append((at_s, text))

    def _execute(self, text: str, moment_s: float) -> None:
        command = parse(text)
        if command is None:
            if len(self.refused) < REFUSALS_KEPT:
                self.refused.append(text)
            return
        self.understood_count += 1
        self._ready_s = moment_s + (RESET_S if command.name == RESET_COMMAND else 0.0)
        self._obey(command, moment_s)

    def _obey(self, command: Understood, moment_s: float) -> None:
        discharges = command.name in (RESET_COMMAND, RESET_OVERLOAD)
        self._enter(command.applied(self.state), moment_s, discharges=discharges)

    def _enter(self, state: State, moment_s: float, *, discharges: bool = False) -> None:
        if state == self.state and not discharges:
            return
        self.state = state
        self._output.change(Change(moment_s, state, discharges))
        self._set_bias(moment_s)

    def _set_bias(self, moment_s: float) -> None:
        if self.state.bias_v == self._bias_v:
            return
        if not self._is_sampled:
            self.before_change(moment_s)
        self._bias_v = self.state.bias_v
        self._source.set_bias(max(moment_s, self._sampled_to_s), self._bias_v)
