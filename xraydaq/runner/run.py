"""One run from a checked configuration to a closed result file."""

import logging
import signal
import threading
import traceback
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from instruments.keithley2400 import Keithley2400
from instruments.sim.faults import Fault
from procedures.base import BenchProcedure, Plan, RunContext
from xraydaq.bench import OpenBench, identification, open_bench
from xraydaq.clock import Clock, JumpingClock, RealClock, ScaledClock
from xraydaq.config import RunConfig
from xraydaq.errors import (
    EXIT_BUG,
    EXIT_DONE,
    ConfigError,
    Refused,
    RunFailed,
    SafetyTrip,
    StoppedByUser,
    StorageError,
    XraydaqError,
)
from xraydaq.guardian.client import RemoteGuard
from xraydaq.guardian.opening import Watch
from xraydaq.plan import plan_of, procedure_of
from xraydaq.runner.arming import arming
from xraydaq.runner.progress import Listener, Shielded, Silent
from xraydaq.runner.provenance import host, software
from xraydaq.runner.resume import Earlier, adopt, earlier_run
from xraydaq.runner.signals import StopRequests, stop_requests
from xraydaq.runner.thread import ProcedureThread, stoppable
from xraydaq.runner.tracker import Tracker
from xraydaq.safety.guard_events import Arm
from xraydaq.storage import EndState, Header, RunWriter

log = logging.getLogger(__name__)

REFRESH_S = 0.1
WHO_STOPS = "a request to stop the run, which waited for an instrument"
"""Named to the guardian where the procedure does not switch off by itself at once."""

STOP_TEXTS = (
    "stop requested: taking the way back",
    "the way back is being taken, please wait",
    "the way back is not skipped; the result will be. When this has ended, see that everything is off: xraydaq off",
)
"""What is said to the first request to stop, the second, and every further one."""

GUARDIAN_LOG = "guardian.jsonl"
"""In the folder of all runs: what the guardian of the tube, or who cares for the source, did and why."""


@dataclass(frozen=True)
class RunOptions:
    """How to run, as opposed to what to run."""

    out: Path
    speed: str | None = None
    """``real``, a factor, or ``max``; None is ``max`` on a simulated bench and ``real`` on instruments."""
    seed: int = 1
    faults: tuple[Fault, ...] = ()
    start_utc_s: float | None = None
    """The date that a simulated bench starts at; None is the present one."""
    resume: Path | None = None
    """An earlier run to go on with: its folder or file."""
    arm_as: str = ""
    """Who takes the responsibility for X-rays on a bench that is not simulated in this program."""

    ask: Callable[[str], str] | None = None
    """Shows the person at the bench a text and returns the line that was typed; None: nobody is there."""


@dataclass(frozen=True)
class Outcome:
    """How a run ended."""

    state: str
    reason: str
    exit_code: int
    folder: Path
    in_haste: bool = False
    """Somebody asked three times to stop: what is not needed for safety is left out."""


def clock_for(config: RunConfig, speed: str | None, start_utc_s: float | None = None) -> Clock:
    """Choose the clock of a run; `start_utc_s` sets the date of a simulated one.

    Raises:
        Refused: another speed than real time was asked of real instruments.
        ConfigError: the text is not a speed.
    """
    if not config.bench.simulated:
        if speed not in (None, "real"):
            why = "has real instruments" if config.bench.is_real else "is served by another process"
            raise Refused(f"--speed {speed}: the bench {config.bench.name!r} {why}; only real time works")
        return RealClock()
    if speed in (None, "max"):
        return JumpingClock(start_utc_s)
    if speed == "real":
        return ScaledClock(1.0, start_utc_s)
    try:
        return ScaledClock(float(speed), start_utc_s)
    except ValueError:
        raise ConfigError(f"--speed {speed}: write real, max or a factor above 0 such as 600") from None


def run(config: RunConfig, options: RunOptions, listener: Listener | None = None) -> Outcome:
    """Acquire one run: open the bench, record, take the way back, close the journal.

    The journal is complete when this returns; `xraydaq.runner.closing` builds the result file from it.

    Raises:
        XraydaqError: the run could not start; nothing was switched on.
    """
    listener = Shielded(Silent() if listener is None else listener)
    clock = clock_for(config, options.speed, options.start_utc_s)
    plan = plan_of(config)
    seed = options.seed if config.bench.simulated else None
    procedure, earlier = procedure_of(config), None
    if options.resume is not None:
        earlier = earlier_run(options.resume, config, clock, columns=procedure.COLUMNS, seed=seed)
    stop = threading.Event()
    ask = None if options.ask is None else stoppable(options.ask, stop)
    arm = arming(config, plan, options)
    watch = _watch(config, options, listener)
    opened = open_bench(config, clock, seed=options.seed, faults=options.faults, ask=ask, open_tube=watch.open_tube)
    with stop_requests() as signals, _on_time_of(config, watch, clock, procedure), opened as bench:
        header = _header(config, procedure, clock, bench, seed)
        if earlier is not None:
            header = replace(header, start_utc_s=earlier.stored.header.start_utc_s)
        writer = RunWriter.create(
            options.out, header, wall=RealClock(), batch=isinstance(clock, JumpingClock), expected_rows=plan.points
        )
        try:
            if earlier is not None:
                adopt(writer, earlier)
            listener.started(config, plan, writer.folder)
            return _Session(config, plan, clock, bench, writer, listener, signals, stop, earlier, arm).acquire(
                procedure
            )
        finally:
            writer.close()


def _watch(config: RunConfig, options: RunOptions, listener: Listener) -> Watch:
    return Watch(
        config.bench,
        config.recipe.parameters.roles,
        f"{config.recipe.procedure} on {config.bench.name}",
        options.out / GUARDIAN_LOG,
        lambda text: listener.event("alarm", text, "error"),
    )


def _on_time_of(
    config: RunConfig, watch: Watch, clock: Clock, procedure: BenchProcedure
) -> AbstractContextManager[None]:
    """Have the instruments of a bench looked after if this process dies; a simulated world dies with it."""
    if config.bench.simulated:
        return nullcontext()
    return watch.on_real_time(clock, lambda: bool(procedure.way_back_failures))


def _header(config: RunConfig, procedure: BenchProcedure, clock: Clock, bench: OpenBench, seed: int | None) -> Header:
    return Header(
        procedure=config.recipe.procedure,
        title=config.recipe.title or config.recipe.procedure,
        definition="NXsensor_scan",
        columns=procedure.COLUMNS,
        signal=procedure.SIGNAL,
        axes=procedure.AXES,
        sample=config.sample.model_dump(mode="json"),
        config_texts=dict(config.texts),
        resolved=config.resolved(),
        origins=dict(config.origins),
        software=software(),
        host=host(),
        start_utc_s=clock.utc(),
        seed=seed,
        simulated=not config.bench.is_real,
        served_simulation=config.bench.served_simulation,
        twin_truth=None if bench.simulation is None else bench.simulation.truth(),
    )


class _Session:
    """The acquisition: a thread measures, this (main) thread listens to signals and shows progress."""

    def __init__(
        self, config: RunConfig, plan: Plan, clock: Clock, bench: OpenBench, writer: RunWriter, listener: Listener,
        signals: StopRequests, stop: threading.Event, earlier: Earlier | None = None, arm: Arm | None = None,
    ) -> None:  # fmt: skip
        self._config = config
        self._clock = clock
        self._bench = bench
        self._writer = writer
        self._listener = listener
        self._signals = signals
        self._stop = stop
        self._tracker = Tracker(plan, RealClock())
        self._earlier = earlier
        self._arm = arm
        self._start_s = clock.now() - (0.0 if earlier is None else earlier.elapsed_s)
        self._requests = 0
        self._beam_cut = False

    def acquire(self, procedure: BenchProcedure) -> Outcome:
        procedure.attach(
            RunContext(
                bench=self._bench, clock=self._clock, stop=self._stop, config=self._config, note=self._note,
                snapshot=self._snapshot, block=self._writer.block, arm=self._arm,
                done=frozenset() if self._earlier is None else self._earlier.done,
                elapsed_before_s=0.0 if self._earlier is None else self._earlier.elapsed_s,
            )
        )  # fmt: skip
        thread = ProcedureThread(procedure, self._store_row, self._stop)
        thread.start()
        while thread.is_alive():
            thread.join(REFRESH_S)
            if self._stop.is_set() and not thread.turned_back:
                self._cut_beam()
            self._heed_signals()
            self._listener.progress(self._tracker.snapshot())
        self._snapshot("end")
        self._store_truth()
        return self._finish(thread.error, procedure.way_back_failures)

    def _store_row(self, record: Mapping[str, float]) -> None:
        self._writer.append(tuple(record.values()))
        self._tracker.row(record)

    def _note(self, kind: str, message: str, severity: str) -> None:
        """Store and show an event; a journal that cannot be written must not stop the way back."""
        self._tracker.event(kind, message)
        try:
            self._writer.event(kind, message, elapsed_s=self._clock.now() - self._start_s, severity=severity)
        except StorageError as error:
            log.error("event %s was not stored: %s", kind, error)
        self._listener.event(kind, message, severity)

    def _snapshot(self, moment: str) -> None:
        """Store identity, settings and error queue of every instrument."""
        for role in self._bench.instruments:
            try:
                self._writer.instrument(role, self._record_of(role, moment))
            except XraydaqError as error:  # of a guardian that died, for one: the run must still get its END
                if moment == "start":
                    raise
                self._note("settings_unknown", f"{role}: {error}", "warning")

    def _record_of(self, role: str, moment: str) -> dict[str, object]:
        instrument = self._bench.instruments[role]
        record: dict[str, object] = {
            "idn": identification(self._bench.identities[role]),
            f"settings_{moment}": instrument.settings(),
        }
        if isinstance(instrument, Keithley2400):
            record["errors"] = [f"{message.code},{message.text}" for message in instrument.read_errors()]
        return record

    def _store_truth(self) -> None:
        """Store what the simulated world has become: the dose of a run is known at its end only."""
        if self._bench.simulation is None:
            return
        try:
            self._writer.twin_truth(self._bench.simulation.truth())
        except StorageError as error:
            log.error("the truth of the simulated world was not stored: %s", error)

    def _heed_signals(self) -> None:
        for _ in range(self._signals.unannounced()):
            self._requests += 1
            self._stop.set()
            message = STOP_TEXTS[min(self._requests, len(STOP_TEXTS)) - 1]
            self._listener.event("stop", message, "warning")

    def _cut_beam(self) -> None:
        """Have the beam off although the procedure does not turn back: it waits for an instrument that may be slow."""
        tube = self._bench.instruments.get("tube")
        if not self._beam_cut and isinstance(tube, RemoteGuard):
            self._beam_cut = True
            tube.stop(WHO_STOPS)

    def _finish(self, error: BaseException | None, way_back_failures: tuple[str, ...]) -> Outcome:
        if isinstance(error, SafetyTrip) and WHO_STOPS in str(error):  # what a stop has done is no failure
            error = StoppedByUser("stopped by request")
        state, reason, code = _verdict(error, self._signals.first)
        if way_back_failures:
            reason = "; ".join(filter(None, [reason, *(f"way back: {failure}" for failure in way_back_failures)]))
            state, code = "failed", code or RunFailed.exit_code
        if code == EXIT_BUG and error is not None:
            self._note("traceback", "".join(traceback.format_exception(error)), "error")
        try:
            state = self._writer.finish(state, reason)
        except StorageError as error:  # whatever the run was, it is not all on the disk
            return Outcome("failed", str(error), code or error.exit_code, self._writer.folder, self._in_haste)
        return Outcome(state, reason, code, self._writer.folder, self._in_haste)

    @property
    def _in_haste(self) -> bool:
        return self._requests >= len(STOP_TEXTS)


def _verdict(error: BaseException | None, received: int | None) -> tuple[EndState, str, int]:
    if error is None:
        return "finished", "", EXIT_DONE
    if isinstance(error, StoppedByUser):
        if received is None:
            return "stopped", str(error), error.exit_code
        return "stopped", f"stopped by {signal.Signals(received).name}", 128 + received
    if isinstance(error, XraydaqError):
        return "failed", str(error), error.exit_code
    return "failed", f"bug: {type(error).__name__}: {error}", EXIT_BUG
