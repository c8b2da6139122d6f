"""Goes through a bench: opens each role, asks its questions, leaves it safe."""

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from instruments.accugold import BridgeDosimeter
from instruments.agilent35670a import Agilent35670A
from instruments.keithley2400 import Keithley2400
from instruments.lakeshore335 import LakeShore335
from instruments.minix2 import MiniX2
from instruments.sim.bench import SimBench
from instruments.sr570 import Sr570
from xraydaq.bench.doctor.analyser import AnalyserExam
from xraydaq.bench.doctor.check import LOST, Check, Exam, Probe, judge, judge_all
from xraydaq.bench.doctor.check import Finding as Found
from xraydaq.bench.doctor.common import PORT_FIX, common_probes, rights_probe, serial_device
from xraydaq.bench.doctor.computer import ROLE as COMPUTER
from xraydaq.bench.doctor.computer import computer_probes
from xraydaq.bench.doctor.dosimeter import DosimeterExam
from xraydaq.bench.doctor.filters import filter_probes
from xraydaq.bench.doctor.person import ROLE as PERSON
from xraydaq.bench.doctor.person import person_of
from xraydaq.bench.doctor.place import Place
from xraydaq.bench.doctor.preamplifier import PreamplifierExam
from xraydaq.bench.doctor.smu import SmuExam
from xraydaq.bench.doctor.temperature import TemperatureExam
from xraydaq.bench.doctor.tube import TubeExam
from xraydaq.bench.opening import cabled, open_role, simulation_settings
from xraydaq.bench.operator import Operator
from xraydaq.bench.serving import simulated_roles
from xraydaq.clock import Clock
from xraydaq.config import Bench
from xraydaq.errors import InstrumentError, XraydaqError

ORDER = ("smu", "tube", "dosimeter", "analyser", "preamplifier", "temperature", "filters")
"""The dosimeter needs a tube that is shown to be off, the preamplifier an analyser that looks at it."""

_EXAMS: dict[type[Any], Callable[[Place, Any], Exam]] = {
    Keithley2400: SmuExam,
    MiniX2: TubeExam,
    BridgeDosimeter: DosimeterExam,
    Agilent35670A: AnalyserExam,
    Sr570: PreamplifierExam,
    LakeShore335: TemperatureExam,
}


def examine(
    bench: Bench,
    clock: Clock,
    *,
    run_folder: Path,
    attending: Operator | None = None,
    simulation: SimBench | None = None,
    system: Path = Path("/"),
) -> Generator[Check, None, None]:
    """Make every check of a bench, each given as it is made.

    The source-measure unit sources 0.1 V, the analyser is reset, the preamplifier is set, the dosimeter zeroed, the
    lid opened; the beam is never switched on. `attending` is who is asked on a real bench, None for nobody. When the
    caller stops in the middle, what is open is left safe.
    """
    yield from judge_all(COMPUTER, computer_probes(clock, run_folder, system))
    if simulation is None:
        simulation = _world(bench, clock)
    with ExitStack() as stack:
        try:
            operator = stack.enter_context(person_of(bench, simulation, attending))
        except XraydaqError as error:
            operator = None
            yield Check(PERSON, "port", "FAIL", str(error), LOST)
        place = Place(bench, clock, operator)
        for name in sorted(set(bench.roles) - {PERSON}, key=ORDER.index):
            if name == "filters":
                yield from judge_all(name, filter_probes(bench))
            elif name in cabled(bench):
                yield from _role(name, place, simulation, stack)
            else:
                yield Check(name, "port", "SKIP", f"{bench.roles[name].resource}: there is no cable to look at")


def _world(bench: Bench, clock: Clock) -> SimBench | None:
    """Build the simulated world of a bench, with a person in it; None for a bench that is not simulated."""
    if bench.twin is None:
        return None
    return SimBench(clock, simulation_settings(bench, bench.twin.device), roles=simulated_roles(bench))


def _role(name: str, place: Place, simulation: SimBench | None, stack: ExitStack) -> Iterator[Check]:
    """Open a role, which stays open to the end, and ask its questions."""
    path = serial_device(place.bench.roles[name].resource)
    if path is not None and path.exists():
        check, _ = judge(name, rights_probe(path))
        yield check
        if check.verdict == "FAIL":
            return
    try:
        instrument = stack.enter_context(open_role(name, place.bench, simulation, place.clock))
    except XraydaqError as error:
        yield Check(name, "port", "FAIL", str(error), PORT_FIX)
        return
    yield Check(name, "port", "PASS", f"{place.bench.roles[name].resource} opens")
    for check in judge_all(name, common_probes(name, place, instrument)):
        yield check
        if check.verdict == "FAIL" and check.name != "calibration due":
            return  # not there, another instrument, or one that is not understood: nothing is sent to it
    place.opened[name] = instrument
    make = _EXAMS.get(type(instrument))
    if make is not None:
        yield from _exam(name, make(place, instrument))


def _exam(name: str, exam: Exam) -> Iterator[Check]:
    try:
        yield from judge_all(name, exam.probes())
    except BaseException:
        _leave_whatever_comes(exam)
        raise
    check, _ = judge(name, Probe("left safe", lambda: _left(exam), LOST))
    if check.verdict == "FAIL":
        yield check


def _left(exam: Exam) -> Found:
    exam.leave()
    return Found(True, "")


def _leave_whatever_comes(exam: Exam) -> None:
    with suppress(InstrumentError):  # the failure that is under way is told
        exam.leave()
