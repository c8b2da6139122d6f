"""Lake Shore's own driver and pymeasure's drive the simulated controller, and their traps show as what they would do.

The controller is said to want 50 ms between messages (Model 335 User's Manual); neither driver waits for it.
"""

from contextlib import ExitStack, contextmanager

import lakeshore
import pytest
from pymeasure.instruments.lakeshore.lakeshore3xx import LakeShore3xx
from pyvisa.errors import VisaIOError

from instruments.connect import open_adapter
from instruments.lakeshore335 import LINE
from instruments.sim.adapter import SimAdapter
from instruments.sim.lakeshore335 import SimLakeShore335
from instruments.sim.link import Link
from instruments.sim.transports import TcpServer
from xraydaq.clock import JumpingClock, ScaledClock

PAUSE_S = 0.06
LOOP_S = 1.0
"""Ten rounds of the control loop: by then the heater does what the range says."""

COMMAND_ERROR = 32


class Block:
    """A block whose temperature stays as it is, and which knows how it is heated."""

    def __init__(self, block_k=299.72):
        self.block_k = block_k
        self.power_w = 0.0

    def sensor_k(self, _time_s):
        return self.block_k

    def set_heater_w(self, _time_s, power_w):
        self.power_w = power_w


class Near:
    """pymeasure's driver in this process, on simulated time."""

    def __init__(self, **options):
        self.clock = JumpingClock()
        self.block = Block()
        self.device = SimLakeShore335(self.block, seed=4, noise_k=0.0, drift_k=0.0, **options)
        self.adapter = SimAdapter(Link(self.device), self.clock)
        self.controller = LakeShore3xx(self.adapter)

    def pause(self):
        self.clock.sleep(PAUSE_S)
        self.device.advance(self.clock.now())


@pytest.fixture
def near():
    return Near()


# pymeasure ---------------------------------------------------------------------------------------------------------
def work(controller, pause):
    """Read, heat, and switch off."""
    found = [controller.id]
    pause()
    found.append(controller.input_A.kelvin)
    pause()
    controller.output_1.setpoint = 310.0
    pause()
    controller.output_1.range = "high"
    pause()
    found += [controller.output_1.setpoint]
    pause()
    return [*found, controller.output_1.range]


WORKED = ["LSCI,MODEL335,1234567/1234567,1.0", pytest.approx(299.72, abs=0.01), 310.0, "high"]


def test_pymeasure_works_in_this_process_if_its_user_waits(near):
    assert work(near.controller, near.pause) == WORKED
    near.clock.sleep(10.0)
    near.pause()
    assert near.block.power_w > 0
    near.controller.output_1.range = "off"
    near.clock.sleep(LOOP_S)
    near.pause()
    assert near.block.power_w == 0
    assert near.device.refused == []
    assert near.device.too_close == []


def test_pymeasure_works_over_tcp():
    with ExitStack() as stack:
        clock = ScaledClock(10.0)
        device = SimLakeShore335(Block(), seed=4, noise_k=0.0, drift_k=0.0)
        adapter = open_adapter(stack.enter_context(TcpServer(Link(device), clock)).resource, LINE)
        stack.callback(adapter.close)
        assert work(LakeShore3xx(adapter), lambda: clock.sleep(10 * PAUSE_S)) == WORKED
        assert device.refused == []


def test_without_waiting_a_message_of_pymeasure_is_lost(near):
    near.controller.output_1.range = "high"
    near.controller.output_1.setpoint = 310.0
    near.pause()
    assert near.controller.output_1.setpoint != 310.0
    assert [text for _, text in near.device.too_close] == ["SETP 1,310.000000"]


def test_its_wait_for_temperature_is_content_with_a_per_mille_of_the_absolute_temperature(near):
    sensor = near.controller.input_A
    sensor.wait_for_temperature(300.0, interval=0, timeout=1)
    assert near.block.block_k == 299.72  # more than a quarter of a kelvin away, and the stage never moved
    near.pause()
    with pytest.raises(Exception, match="Timeout"):
        sensor.wait_for_temperature(300.1, interval=0, timeout=-1)


def test_its_wait_for_temperature_does_not_look_at_the_status_of_the_sensor(near):
    near.block.block_k = 1e6
    near.clock.sleep(1.0)
    shown_k = near.controller.input_A.kelvin
    near.pause()
    near.adapter.write("RDGST? A")
    assert int(near.adapter.read()) != 0
    near.pause()
    near.controller.input_A.wait_for_temperature(shown_k, interval=0, timeout=0.5)


def test_its_check_of_errors_asks_what_the_controller_does_not_know(near):
    near.adapter.write("*CLS")
    near.pause()
    with pytest.raises(VisaIOError):
        near.controller.check_errors()
    assert near.device.refused == [("SYST:ERR?", COMMAND_ERROR)]
    near.pause()
    near.adapter.write("*ESR?")
    assert int(near.adapter.read()) & COMMAND_ERROR


def test_its_shutdown_leaves_the_heater_on(near):
    near.pause()
    work(near.controller, near.pause)
    near.controller.shutdown()
    near.clock.sleep(10.0)
    near.pause()
    assert near.block.power_w > 0


# the maker's own ---------------------------------------------------------------------------------------------------
class Cable:
    """What the maker's driver takes for a connection; it keeps the pauses that the driver leaves out, or not."""

    def __init__(self, adapter, clock, pause_s):
        self.adapter, self.clock, self.pause_s = adapter, clock, pause_s

    def clear(self):
        self.adapter.flush_read_buffer()

    def write(self, text):
        self.clock.sleep(self.pause_s)
        self.adapter.write(text)

    def query(self, text):
        self.write(text)
        return self.adapter.read()


@contextmanager
def opened(transport, block, pause_s=PAUSE_S):
    if transport == "process":
        clock = JumpingClock()
        device = SimLakeShore335(block, seed=4, noise_k=0.0, drift_k=0.0)
        cable = Cable(SimAdapter(Link(device), clock), clock, pause_s)
        yield lakeshore.Model335(57600, connection=cable), device, clock
        return
    device = SimLakeShore335(block, seed=4, noise_k=0.0, drift_k=0.0, spacing_s=0.0)
    clock = ScaledClock(10.0)
    with TcpServer(Link(device), clock) as server:
        controller = lakeshore.Model335(57600, ip_address="127.0.0.1", tcp_port=server.port, timeout=5.0)
        try:
            yield controller, device, clock
        finally:
            controller.disconnect_tcp()


@pytest.mark.parametrize("transport", ["process", "tcp"])
def test_the_makers_driver_reads_heats_and_switches_off(transport):
    block = Block()
    with opened(transport, block) as (controller, device, clock):
        controller.clear_interface_command()
        assert (controller.model_number, controller.serial_number) == ("MODEL335", "1234567")
        assert controller.get_kelvin_reading("A") == pytest.approx(299.72, abs=0.01)
        controller.set_heater_setup_one(
            controller.HeaterResistance.HEATER_50_OHM, 1.0, controller.HeaterOutputDisplay.POWER
        )
        controller.set_heater_output_mode(1, controller.HeaterOutputMode.CLOSED_LOOP, controller.InputSensor.CHANNEL_A)
        controller.set_heater_pid(1, 20.0, 30.0, 5.0)
        assert controller.get_heater_pid(1) == {"gain": 20.0, "integral": 30.0, "derivative": 5.0}
        controller.set_setpoint_ramp_parameter(1, True, 12.0)
        assert controller.get_setpoint_ramp_parameter(1) == {"ramp_enable": True, "rate_value": 12.0}
        controller.set_setpoint_ramp_parameter(1, False, 12.0)
        controller.set_control_setpoint(1, 310.0)
        assert controller.get_control_setpoint(1) == 310.0
        controller.set_heater_range(1, controller.HeaterRange.HIGH)
        assert controller.get_heater_range(1) == controller.HeaterRange.HIGH
        assert controller.get_heater_status(1) == controller.HeaterError.NO_ERROR
        assert not any(vars(controller.get_input_reading_status("A")).values())
        clock.sleep(LOOP_S)
        assert 0 <= controller.get_heater_output(1) <= 100
        assert block.power_w > 0
        controller.all_heaters_off()
        clock.sleep(LOOP_S)
        assert controller.get_heater_range(1) == controller.HeaterRange.OFF
        assert block.power_w == 0
        assert device.refused == []
        assert device.too_close == []


def test_the_makers_driver_sees_a_refusal():
    with opened("process", Block()) as (controller, device, _):
        controller.clear_interface_command()
        with pytest.raises(lakeshore.InstrumentException, match="Command Error"):
            controller.query("SYST:ERR?")
        with pytest.raises(lakeshore.InstrumentException, match="Execution Error"):
            controller.set_heater_pid(1, 1e4, 30.0, 5.0)
        assert [text for text, _ in device.refused][-2:] == ["SYST:ERR?", "PID 1,10000.0,30.0,5.0"]


def test_the_makers_driver_does_not_keep_the_pause_that_the_makers_manual_asks_for():
    with pytest.raises(VisaIOError), opened("process", Block(), pause_s=0.0) as (controller, _, _):
        controller.get_kelvin_reading("A")
