"""Two drivers that this project did not write, pymeasure's and another, drive the simulated Keithley 2400.

It also shows why this project closes most of what pymeasure's offers.
"""

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import keithley2400 as other
import pytest
from pymeasure.instruments.keithley import Keithley2400

from instruments.connect import open_adapter
from instruments.keithley2400 import LINE
from instruments.sim.adapter import SimAdapter
from instruments.sim.keithley2400 import SimKeithley2400
from instruments.sim.link import Link
from instruments.sim.transports import SerialServer, TcpServer
from tests.sim.keithley2400.conftest import Resistor
from xraydaq.clock import JumpingClock, ScaledClock

BAUD = 57600
BIAS_ERROR_V = 0.02e-2 * 5 + 2.4e-3
"""5 V on the 20 V range (SPEC-2400, source accuracy)."""

ERROR = 0.029e-2 + 300e-12 / 50e-9 + BIAS_ERROR_V / 5
"""Of 50 nA on the 1 uA range (SPEC-2400, measure accuracy), and of the bias that drives it."""


@dataclass
class Rig:
    """A driver that this project did not write, and the world behind it."""

    smu: Keithley2400
    device: SimKeithley2400
    load: Resistor


def served(stack, transport):
    load = Resistor()
    device = SimKeithley2400(load, seed=5, baud=BAUD if transport == "serial" else None)
    link = Link(device)
    if transport == "process":
        return load, device, SimAdapter(link, JumpingClock())
    server = stack.enter_context((TcpServer if transport == "tcp" else SerialServer)(link, ScaledClock(10.0)))
    return load, device, server.resource


@contextmanager
def opened(transport):
    with ExitStack() as stack:
        load, device, where = served(stack, transport)
        adapter = where if transport == "process" else open_adapter(where, LINE, baud=BAUD)
        if transport != "process":
            stack.callback(adapter.close)
        yield Rig(Keithley2400(adapter), device, load)
        assert device.refused == []


@pytest.fixture(params=["process", "tcp", "serial"])
def rig(request):
    with opened(request.param) as rig:
        yield rig


@pytest.fixture
def near():
    with opened("process") as rig:
        yield rig


def test_pymeasure_biases_measures_and_switches_off(rig):
    smu = rig.smu
    assert "MODEL 2400" in smu.id
    smu.source_mode = "voltage"
    smu.source_voltage_range = 20
    smu.compliance_current = 1e-4
    smu.current_range = 1e-6
    smu.current_nplc = 0.1
    smu.source_voltage = 5
    smu.source_enabled = True
    assert smu.source_enabled  # an answer means that what was sent before has been done
    assert rig.load.bias_v == pytest.approx(5.0, abs=BIAS_ERROR_V)
    assert smu.current == pytest.approx(rig.load.siemens * 5, rel=ERROR)
    smu.source_enabled = False
    assert smu.check_errors() == []
    assert rig.load.bias_v == 0


def test_a_reading_of_pymeasure_switches_the_output_on(near):
    near.smu.source_mode = "voltage"
    near.smu.source_voltage = 5
    assert near.load.bias_v == 0
    _ = near.smu.current
    assert near.load.bias_v == pytest.approx(5.0, abs=BIAS_ERROR_V)


def test_a_level_of_pymeasure_knows_no_limit_but_that_of_the_instrument(near):
    near.smu.source_voltage_range = 200
    near.smu.source_voltage = 200
    near.smu.source_enabled = True
    assert near.load.bias_v == pytest.approx(200, rel=1e-3)
    with pytest.raises(ValueError):
        near.smu.source_voltage = 500


def test_a_refused_setting_is_noticed_by_pymeasure_only_if_its_user_asks(near):
    near.smu.source_voltage = 5
    near.smu.write(":SOUR:VOLT 1E9")
    near.smu.source_enabled = True
    assert near.load.bias_v == pytest.approx(5.0, abs=BIAS_ERROR_V)
    assert [int(code) for code, _ in near.smu.check_errors()] == [-222]


@pytest.mark.parametrize("transport", ["tcp", "serial"])
def test_another_driver_biases_measures_and_switches_off(transport):
    with ExitStack() as stack:
        load, device, resource = served(stack, transport)
        smu = other.Keithley2400(resource, settings=other.SerialSettings(baud_rate=BAUD), auto_discover=False)
        stack.callback(smu.close)
        assert "MODEL 2400" in smu.idn()
        smu.set_source_v(5)
        smu.set_current_compliance(1e-4)
        smu.configure_measure_vi()
        smu.output_on()
        voltage_v, current_a = smu.read_v_i()
        assert voltage_v == pytest.approx(load.bias_v, abs=BIAS_ERROR_V)
        assert load.bias_v == pytest.approx(5.0, abs=BIAS_ERROR_V)
        assert current_a == pytest.approx(load.siemens * 5, rel=ERROR)
        smu.output_off()
        assert smu.get_error().startswith("0,")
        assert load.bias_v == 0
        assert device.refused == []
