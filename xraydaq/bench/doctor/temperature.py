"""Is the stage's sensor plausible, and is the heater whole?"""

from instruments.lakeshore335 import LakeShore335
from instruments.wire.lakeshore335 import HeaterFault
from xraydaq.bench.doctor.check import Finding, Probe
from xraydaq.bench.doctor.place import Place

COLDEST_K, HOTTEST_K = 77.0, 400.0
"""From liquid nitrogen to what no perovskite survives."""


class TemperatureExam:
    """Reads; a heater that holds a temperature is left to do so."""

    def __init__(self, _place: Place, controller: LakeShore335) -> None:
        self._controller = controller

    def probes(self) -> tuple[Probe, ...]:
        """Get the questions."""
        return (
            Probe(
                "sensor",
                self._sensor,
                "Check the sensor's plug and wires, and the sensor type and curve of this input in the menu.",
            ),
            Probe(
                "heater",
                self._heater,
                "Switch the heater off and check its plug and its resistance: it is open or shorted.",
            ),
        )

    def leave(self) -> None:
        """Leave it: nothing was changed."""

    def _sensor(self) -> Finding:
        reading = self._controller.read()
        plausible = reading.good and COLDEST_K <= reading.temperature_k <= HOTTEST_K
        return Finding(plausible, f"{reading.temperature_k:.3f} K, status {int(reading.status):03d}")

    def _heater(self) -> Finding:
        heater_range, percent = self._controller.heater_range, self._controller.heater_percent
        fault = self._controller.take_heater_fault()
        state = f"range {heater_range.name}, {percent:g} %"
        return Finding(fault == HeaterFault(0), f"{state}, fault {fault.name}" if fault else state)
