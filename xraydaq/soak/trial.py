"""One trial: a run, its faults, the end, a person who makes the bench sound again, and the evidence."""

import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from xraydaq.clock import RealClock
from xraydaq.errors import RunFailed
from xraydaq.guardian.orphans import AGAIN_EVERY_S
from xraydaq.safety.locks import is_free
from xraydaq.soak.bench import SoakBench
from xraydaq.soak.drawing import Fault, Trial
from xraydaq.soak.evidence import NEVER, Evidence, Happened, Stored
from xraydaq.soak.files import brought_back, guardian_lines, stored_run
from xraydaq.soak.outputs import heater_after, source_after
from xraydaq.soak.processes import environment, is_alive, popen, signalled
from xraydaq.soak.watched import WatchedRun

POLL_S = 0.04
ANCHOR_S = 120.0
PATIENCE_S = 3.0
END_S = 90.0
GUARDIAN_END_S = 40.0
OFF_S = 30.0
LEFT_ON_S = 10.0
ROOM_BYTES = 300
STOPS = ("SIGTERM", "SIGINT", "SIGHUP")
JOURNAL = "run.wal"
GUARDIAN_LOG = "guardian.jsonl"


class OneTrial:
    """Does one trial on a bench that is sound and free; leaves it so."""

    def __init__(self, trial: Trial, recipe: Path, bench: SoakBench, runtime: Path, folder: Path) -> None:
        self._trial, self._bench, self._folder = trial, bench, folder
        self._env = environment(runtime)
        self._clock = RealClock()
        self._out = folder / "runs"
        self._away = folder / "runs.away"
        self._log: list[dict[str, Any]] = []
        self._due: list[tuple[float, Callable[[], None]]] = []
        self._happened: list[Happened] = []
        self._offs: list[subprocess.Popen[bytes]] = []
        self._hung: list[str] = []
        self._is_lit = self._is_source_on = self._is_heated = False
        self._asked_s = self._killed_s = NEVER
        folder.mkdir(parents=True)
        bench.new_events()
        self._begin_s = bench.now_s()
        self._run = WatchedRun(recipe, bench, self._env, self._out, folder / "run.err")

    def evidence(self) -> Evidence:
        """Do it.

        Raises:
            RunFailed: the run did not come to where its faults were to happen, or the bench died.
        """
        try:
            self._put_all_in()
            self._see_it_end()
            ended_s = self._bench.now_s()
            reachable_s = self._make_sound(ended_s)
        finally:
            self._end_all()
        return self._gathered(ended_s, reachable_s)

    # the course of it ---------------------------------------------------------------------------------------------
    def _put_all_in(self) -> None:
        """Let the faults happen; where the run ends by itself before them there is nothing to put them into."""
        anchor_s = self._begin_s
        if self._trial.anchor != "started":
            if not self._until(lambda: self._is_there() or not self._run.is_alive, ANCHOR_S):
                raise RunFailed(f"the run does not come to where its fault is to happen: {self._trial.anchor}")
            anchor_s = self._bench.now_s()
        for fault in self._trial.faults:
            self._until(lambda: not self._run.is_alive, anchor_s + fault.after_s - self._bench.now_s())
            if self._run.is_alive:
                self._put_in(fault)

    def _is_there(self) -> bool:
        if self._trial.anchor == "row":
            return self._run.rows > 0 or (self._trial.recipe == "heated" and self._is_heated)
        return self._is_lit

    def _see_it_end(self) -> None:
        """Let the run come to its end by itself; one that goes on in spite of its faults is asked to stop."""
        last_s = max((each.time_s + each.duration_s for each in self._happened), default=self._begin_s)
        patience_s = max(PATIENCE_S, last_s + 0.5 - self._bench.now_s())
        if not self._until(lambda: not self._run.is_alive, patience_s):
            self._asked_s = min(self._asked_s, self._bench.now_s())
            signalled(self._run.process.pid, signal.SIGINT)
            if not self._until(lambda: not self._run.is_alive, END_S):
                self._hung.append("the run")
                self._run.kill()
        guardian = self._run.guardian
        if guardian is not None and not self._until(lambda: not is_alive(guardian), GUARDIAN_END_S):
            self._hung.append("the guardian")
            signalled(guardian, signal.SIGKILL)

    def _make_sound(self, ended_s: float) -> float | None:
        """Put everything right as a person would; returns from when on nothing stood in the way of switching off."""
        last_s = max((each.time_s + each.duration_s for each in self._happened), default=ended_s)
        self._until(lambda: not self._is_on(), LEFT_ON_S)
        self._until(lambda: self._bench.now_s() > last_s + 0.2, 30.0)
        if self._away.exists():
            brought_back(self._away, self._out)
        for each in self._offs:
            self._wait_for_off(each)
        if not self._is_on():
            return None
        let_go_s = min(ended_s, self._run.closing_s) - AGAIN_EVERY_S - 1.0
        cables_in_s = [each.time_s + each.duration_s for each in self._happened if each.kind.endswith("unplugged")]
        excused = self._nobody_was_left() or any(time_s > let_go_s for time_s in cables_in_s)
        called_s = self._bench.now_s()
        self._wait_for_off(self._call_off("--bench", str(self._bench.file)))
        self._until(lambda: not self._is_on(), 2.0)
        return called_s if excused else None

    def _nobody_was_left(self) -> bool:
        """Tell whether run and guardian were both killed: then only a person can switch anything off."""
        kinds = {each.kind for each in self._happened}
        return "runner SIGKILL" in kinds and bool(kinds & {"guardian SIGKILL", "guardian SIGSTOP"})

    def _end_all(self) -> None:
        for _, act in self._due:
            act()
        self._run.kill()
        guardian = self._run.guardian
        if guardian is not None:
            signalled(guardian, signal.SIGKILL)
        for each in self._offs:
            each.kill()
            each.wait()
        if self._is_on():  # only where the trial itself failed: the next one gets a bench that is off
            with suppress(subprocess.TimeoutExpired):
                self._call_off("--bench", str(self._bench.file)).wait(OFF_S)
        self._run.joined(5.0)

    # faults -------------------------------------------------------------------------------------------------------
    def _put_in(self, fault: Fault) -> None:
        self._look()
        lease_s = fault.lease_s(self._trial.recipe, is_lit=self._is_lit, is_guarded=self._run.guardian is not None)
        now_s = self._bench.now_s()
        target, _, what = fault.kind.partition(" ")
        if target == "runner":
            self._signal(self._run.process.pid, what, fault.duration_s)
            if what == "SIGKILL":
                self._killed_s = min(self._killed_s, now_s)
            if what in STOPS:
                self._asked_s = min(self._asked_s, now_s)
        elif target == "guardian":
            guardian = self._run.guardian
            if guardian is None:
                return  # there is none yet, or none any more: nothing has happened
            self._signal(guardian, what, fault.duration_s)
        elif fault.kind == "xraydaq off":
            self._asked_s = min(self._asked_s, now_s)
            self._offs.append(self._call_off())
        elif fault.kind == "disk full":
            self._fill_disk()
        elif fault.kind == "folder gone":
            self._out.rename(self._away)
        else:
            self._bench.happens(fault.kind, fault.duration_s)
        self._happened.append(Happened(fault.kind, now_s, fault.duration_s, lease_s))

    def _signal(self, pid: int, name: str, duration_s: float) -> None:
        signalled(pid, signal.Signals[name])
        if name == "SIGSTOP":
            go_on_s = self._bench.now_s() + duration_s
            self._due.append((go_on_s, lambda: _continued(pid)))

    def _fill_disk(self) -> None:
        folder = self._run.folder
        with suppress(OSError, ValueError):  # a run that has ended has no disk
            size = 0 if folder is None else (folder / JOURNAL).stat().st_size
            pid = self._run.process.pid
            _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size + ROOM_BYTES, hard))

    def _call_off(self, *options: str) -> subprocess.Popen[bytes]:
        words = [sys.executable, "-P", "-m", "xraydaq", "off", *options]
        return popen(words, self._env, self._folder / "off.out")

    def _wait_for_off(self, off: subprocess.Popen[bytes]) -> None:
        if not self._until(lambda: off.poll() is not None, OFF_S):
            self._hung.append("xraydaq off")
            off.kill()

    # looking ------------------------------------------------------------------------------------------------------
    def _until(self, condition: Callable[[], bool], within_s: float) -> bool:
        """Wait for a condition, doing what is due meanwhile; tells whether it came."""
        deadline_s = self._clock.now() + within_s
        while True:
            self._look()
            if condition():
                return True
            if not self._clock.now() < deadline_s:
                return False
            self._clock.sleep(POLL_S)

    def _look(self) -> None:
        for each in self._bench.new_events():
            self._log.append(each)
            self._is_source_on = source_after(each, self._is_source_on)
            self._is_heated = heater_after(each, self._is_heated)
            self._is_lit = (self._is_lit or each["kind"] == "beam on") and each["kind"] != "beam off"
        _ = self._run.guardian
        now_s = self._bench.now_s()
        due = [each for each in self._due if each[0] <= now_s]
        self._due = [each for each in self._due if each[0] > now_s]
        for _, act in due:
            act()

    def _is_on(self) -> bool:
        return self._is_source_on or self._is_heated

    # evidence -----------------------------------------------------------------------------------------------------
    def _gathered(self, ended_s: float, reachable_s: float | None) -> Evidence:
        self._look()
        return Evidence(
            begin_s=self._begin_s,
            end_s=self._bench.now_s(),
            faults=tuple(self._happened),
            log=tuple(self._log),
            guardian=tuple(guardian_lines(self._out / GUARDIAN_LOG, self._bench.origin_s)),
            acknowledged=tuple(self._run.acknowledged),
            planned_rows=self._run.planned_rows,
            stop_asked_s=self._asked_s,
            killed_s=self._killed_s,
            processes_ended_s=ended_s,
            exit_code=self._run.process.returncode,
            reachable_s=reachable_s,
            stored=self._stored(),
            locked=tuple(each for each in self._bench.resources.values() if not is_free(each)),
            hung=tuple(self._hung),
        )

    def _stored(self) -> Stored | None:
        if not self._out.is_dir():
            return None
        folders = [each for each in self._out.iterdir() if each.is_dir()]
        return None if not folders else stored_run(folders[0])


def _continued(pid: int) -> None:
    signalled(pid, signal.SIGCONT)
