"""What a check may look at besides its own instrument."""

from dataclasses import dataclass, field

from instruments.minix2 import MiniX2
from xraydaq.bench.drivers import Instrument
from xraydaq.bench.operator import Operator
from xraydaq.clock import Clock
from xraydaq.config import Bench
from xraydaq.errors import InstrumentError


@dataclass
class Place:
    """The bench, the person at it, and the instruments that are open and answered, by role."""

    bench: Bench
    clock: Clock
    operator: Operator | None
    opened: dict[str, Instrument] = field(default_factory=dict)

    def beam_is_off(self) -> bool:
        """Tell whether the tube shows that there is no beam; without a tube that answers nobody knows."""
        tube = self.opened.get("tube")
        if not isinstance(tube, MiniX2):
            return False
        try:
            return tube.is_dark()
        except InstrumentError:
            return False
