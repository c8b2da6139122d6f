"""Who opens the lid: the stand-in of a simulated bench, or a person if one is there."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pyvisa.errors import Error as VisaError

from instruments.connect import Line, open_adapter
from instruments.sim.bench import SimBench
from xraydaq.bench.holding import held
from xraydaq.bench.operator import Operator, StandIn
from xraydaq.config import Bench
from xraydaq.errors import InstrumentError

if TYPE_CHECKING:
    from pymeasure.adapters.adapter import Adapter

ROLE = "operator"


@contextmanager
def person_of(bench: Bench, simulation: SimBench | None, attending: Operator | None) -> Iterator[Operator | None]:
    """Reach the operator of the bench; None where nobody is.

    Raises:
        InstrumentError: the stand-in of a served bench cannot be reached.
        BusyError: another process speaks with it.
    """
    if simulation is not None and ROLE in simulation.links:
        yield StandIn(_exchange(simulation.adapter(ROLE)))
    elif ROLE in bench.roles:
        resource = bench.roles[ROLE].resource
        with held(resource):
            adapter = open_adapter(resource, Line(serial_end="\n"))
            try:
                yield StandIn(_exchange(adapter))
            finally:
                adapter.close()
    else:
        yield attending


def _exchange(adapter: "Adapter") -> Callable[[str], str]:
    def exchange(text: str) -> str:
        try:
            adapter.write(text)
            return str(adapter.read())
        except (VisaError, OSError, UnicodeDecodeError) as error:
            raise InstrumentError(f"the operator of the simulated bench does not answer: {error}") from error

    return exchange
