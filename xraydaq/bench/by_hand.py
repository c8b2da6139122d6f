"""The roles that have no cable: doses that a person types or exports, filters that somebody mounts, that somebody."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from instruments.connect import Line, open_adapter
from instruments.filters import ChangerFilterHolder, FilterHolder, OperatorFilterHolder, describe
from instruments.sim.bench import SimBench
from xraydaq.bench.drivers import BeamSource, Instrument, reference_air
from xraydaq.bench.holding import held
from xraydaq.bench.operator import MOUNT_ALUMINIUM, Nobody, Operator, Request, StandIn, TerminalOperator
from xraydaq.clock import Clock
from xraydaq.config import Bench
from xraydaq.config.dosimeter import FOLDER, OPERATOR, DosimeterTable
from xraydaq.errors import InstrumentError, Refused

if TYPE_CHECKING:
    from pymeasure.adapters.adapter import Adapter

    from instruments.accugold import Chamber, Layout

Ask = Callable[[str], str]
"""Shows a person a text and returns the line that was typed."""

LINE = Line(bus_end="\n", serial_end="\n")
CONFIRM_DARK = "confirm_dark"
MATERIAL = "Al"
YES = ("yes", "y")


def open_dosimeter(bench: Bench, clock: Clock, ask: Ask | None) -> Instrument:
    """Get a dosimeter that a person or a folder of exported logs stands behind; nothing is asked or read yet.

    Raises:
        Refused: it is read by a person, and nobody is there.
    """
    from instruments.accugold import ExportLog, ImportedDosimeter, OperatorDosimeter

    resource, stated = bench.roles["dosimeter"].resource, bench.dosimeter or DosimeterTable.model_validate({})
    chamber, reference, corrected = _chamber(stated), reference_air(bench), stated.corrected
    if resource.startswith(FOLDER):
        log = ExportLog(Path(resource.removeprefix(FOLDER)), _layout(stated), clock)
        return ImportedDosimeter(log, clock=clock, chamber=chamber, corrected=corrected, reference=reference)
    if ask is None:
        raise Refused(f"role dosimeter is {OPERATOR}: a person reads it, and nobody attends this run")
    return OperatorDosimeter(ask, clock=clock, chamber=chamber, corrected=corrected, reference=reference)


def open_operator(bench: Bench, simulation: SimBench | None, ask: Ask | None) -> Operator:
    """Get who does what no cable can do: the stand-in of a simulated bench, else the person who answers `ask`.

    A stand-in is reached for each request anew, so that others may speak with it between two of them.
    """
    role = bench.roles.get("operator")
    if simulation is not None:
        return StandIn(lambda line: _exchange(_in_process(simulation), line))
    if role is not None and bench.served_simulation:
        return StandIn(lambda line: _dial(role.resource, line))
    if ask is None:
        return Nobody()
    return TerminalOperator(lambda text: ask(f"{text} Done (yes, no): ").strip().casefold() in YES)


def open_filters(
    bench: Bench, operator: Operator, ask: Ask | None, *, clock: Clock, beam_is_off: Callable[[], bool]
) -> FilterHolder:
    """Get who changes the filters of a bench; nothing is mounted yet. The empty holder counts as a filter of 0.

    Raises:
        Refused: they are changed by a person and nobody is there, or by a stand-in that is not there.
    """
    if bench.filters is None:
        raise Refused(f"the bench {bench.name!r} has no table [filters]: what could be mounted is not known")
    thicknesses_m = (0.0, *bench.filters.foils_m)
    if isinstance(operator, StandIn):

        def change(thickness_m: float) -> None:
            text = f"Mount {describe(thickness_m, MATERIAL)}."
            operator.do(Request(MOUNT_ALUMINIUM, text, repr(thickness_m)))

        return ChangerFilterHolder(change, clock=clock, thicknesses_m=thicknesses_m, beam_is_off=beam_is_off)
    if not bench.is_real:
        raise Refused(f"the bench {bench.name!r} is a simulated one without role operator: nobody changes its filters")
    if ask is None:
        raise Refused("role filters: a person changes them, and nobody attends this run")
    return OperatorFilterHolder(ask, clock=clock, thicknesses_m=thicknesses_m, beam_is_off=beam_is_off)


def dark_check(tube: Instrument | None, operator: Operator) -> Callable[[], bool]:
    """Get what tells whether the beam is off: the tube, and only where none is open the person at the bench.

    A stand-in at a simulated bench cannot know: without a tube the answer is no.
    """
    if tube is not None:
        return lambda: _is_dark(tube)
    if isinstance(operator, StandIn):
        return lambda: False
    return lambda: operator.do(Request(CONFIRM_DARK, "Switch the X-ray beam off and take the key of the tube out."))


def _is_dark(tube: Instrument) -> bool:
    return isinstance(tube, BeamSource) and tube.is_dark()


def _in_process(simulation: SimBench) -> "Adapter":
    from instruments.sim.adapter import SimAdapter
    from instruments.sim.deeds import deeds_of
    from instruments.sim.link import Link
    from instruments.sim.operator import SimOperator

    if "operator" in simulation.links:
        return simulation.adapter("operator")
    return SimAdapter(Link(SimOperator(deeds_of(simulation)), shared=simulation.time), simulation.clock)


def _dial(resource: str, line: str) -> str:
    with held(resource):
        adapter = open_adapter(resource, LINE)
        try:
            return _exchange(adapter, line)
        finally:
            adapter.close()


def _exchange(adapter: "Adapter", line: str) -> str:
    from pyvisa.errors import VisaIOError

    try:
        adapter.write(line)
        return str(adapter.read())
    except (VisaIOError, OSError) as error:
        raise InstrumentError(f"the operator of the simulated bench does not answer {line!r}: {error}") from error


def _chamber(stated: DosimeterTable) -> "Chamber":
    from instruments.accugold import Chamber

    return Chamber(
        stated.digitizer, stated.digitizer_serial or "", stated.chamber or "", stated.chamber_serial or "",
        stated.calibrated,
    )  # fmt: skip


def _layout(stated: DosimeterTable) -> "Layout":
    from instruments.accugold import Layout

    return Layout(
        dose=stated.dose_column or "", dose_unit=stated.dose_unit or "",
        time=stated.time_column or "", time_unit=stated.time_unit,
        temperature=stated.temperature_column or "", temperature_unit=stated.temperature_unit,
        pressure=stated.pressure_column or "", pressure_unit=stated.pressure_unit,
        delimiter=stated.delimiter, decimal=stated.decimal,
    )  # fmt: skip
