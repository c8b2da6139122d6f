"""A simulated bench that other programs dial into: one port or pseudo-terminal per instrument, one clock, one log."""

import json
import threading
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from typing import IO

from instruments.sim.bench import SimBench
from instruments.sim.closing import Closing
from instruments.sim.deeds import begin, end
from instruments.sim.faults import TimedFault
from instruments.sim.minix2 import BeamEvent, SimMiniX2
from instruments.sim.scenario import UNPLUGGED, Happening
from instruments.sim.transports import SerialServer, TcpServer
from xraydaq.clock import Clock

TICK_S = 0.02
"""How often the world is brought to the present, in seconds of this computer: trips happen without being asked for."""


SLOW_TO_IMPORT = ("scipy.interpolate", "scipy.optimize", "scipy.signal")
"""Simulators import these when they first need them; here that would keep a host waiting longer than it waits."""


class EventLog(Closing):
    """An append-only file of JSON lines: what every instrument saw, and what happened to the beam."""

    def __init__(self, path: Path | None) -> None:
        self._file: IO[str] | None = None if path is None else path.open("a", encoding="utf-8")
        self._lock = threading.Lock()

    def line(self, time_s: float, role: str, kind: str, text: str) -> None:
        """Append one event and hand it to the operating system at once."""
        if self._file is None:
            return
        with self._lock:
            json.dump({"time_s": round(time_s, 6), "role": role, "kind": kind, "text": text}, self._file)
            self._file.write("\n")
            self._file.flush()

    def bytes(self, role: str, time_s: float, direction: str, data: bytes) -> None:
        """Append what a line carried: ``>`` to the instrument, ``<`` from it."""
        self.line(time_s, role, "received" if direction == ">" else "sent", data.decode("latin-1"))

    def beam(self, event: BeamEvent) -> None:
        """Append a change of the tube's true output."""
        state = "on" if event.on else "off"
        self.line(event.time_s, "tube", f"beam {state}", f"{event.kv:g} kV {event.ua:g} uA: {event.cause}")

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()


class ServedBench(Closing):
    """Serves every role of `bench` until it is closed; `resources` says where."""

    def __init__(self, bench: SimBench, clock: Clock, happenings: Iterable[Happening] = ()) -> None:
        for name in SLOW_TO_IMPORT:
            import_module(name)
        self._bench = bench
        self._clock = clock
        self._start_s = clock.now()
        self._due = sorted((each for each in happenings if not each.role), key=lambda each: each.start_s)
        self._over: list[Happening] = []
        self._advancing = threading.Lock()
        for each in happenings:
            if each.role:
                self._schedule_on_line(each)
        self._closing = threading.Event()
        self._stack = ExitStack()
        self.resources: Mapping[str, str] = {role: self._serve(role) for role in bench.links}
        self._ticker = threading.Thread(target=self._tick, name="simulated world", daemon=True)
        self._ticker.start()

    def _serve(self, role: str) -> str:
        link = self._bench.links[role]
        server: type[TcpServer | SerialServer] = TcpServer if link.device.baud is None else SerialServer
        served = server(link, self._clock)
        self._stack.callback(served.close)
        return served.resource

    def _schedule_on_line(self, happening: Happening) -> None:
        link = self._bench.links[happening.role]
        start_s, end_s = self._start_s + happening.start_s, self._start_s + happening.end_s
        if happening.name == UNPLUGGED:
            link.unplug(start_s, end_s)
            if isinstance(link.device, SimMiniX2):  # the only one that notices
                link.device.unplug(start_s)
                link.device.plug(end_s)
        else:
            link.add_fault(TimedFault(happening.name, start_s, end_s))

    def happen(self, happening: Happening) -> None:
        """Have one more fault; its times count since the bench began. From any thread."""
        with self._advancing:
            if happening.role:
                self._schedule_on_line(happening)
            else:
                self._due = sorted([*self._due, happening], key=lambda each: each.start_s)

    @property
    def age_s(self) -> float:
        """Get the time since the bench began."""
        return self._clock.now() - self._start_s

    def _tick(self) -> None:
        while not self._closing.wait(TICK_S):
            self.advance()

    def advance(self) -> None:
        """Bring the world to the present, and begin and end what is due; from any thread."""
        with self._advancing:
            self._advance(self._clock.now())

    def _advance(self, now_s: float) -> None:
        while self._due and self._due[0].start_s <= now_s - self._start_s:
            happening = self._due.pop(0)
            begin(self._bench, happening.name, self._start_s + happening.start_s)
            self._over.append(happening)
        for happening in [each for each in self._over if each.end_s <= now_s - self._start_s]:
            self._over.remove(happening)
            end(self._bench, happening.name, self._start_s + happening.end_s)
        self._bench.advance(now_s)

    def close(self) -> None:
        """Stop serving; twice is harmless."""
        self._closing.set()
        self._ticker.join()
        self._stack.close()
