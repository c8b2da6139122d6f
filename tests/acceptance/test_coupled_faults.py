"""What goes wrong around a simulated bench, and what a person does there, as the drivers see it."""

import math

import pytest

from instruments.agilent35670a import NoiseSettings
from instruments.lakeshore335 import ControlSettings, HeaterRange
from instruments.sim.deeds import begin, end
from instruments.sr570 import Sr570Settings
from instruments.wire.minix2 import FaultCode
from tests.acceptance.coupled import BEAM, coupled, dose_tolerance, photocurrent_a
from xraydaq.errors import InstrumentError, Refused


@pytest.fixture
def beam():
    """A bench with the beam on, not long warm: for what happens, not for numbers."""
    rig = coupled(roles=BEAM, temperature_k=298.0)
    rig.ready()
    rig.bias()
    rig.clock.sleep(100.0)
    rig.dark_a = rig.currents_a(5).mean()
    rig.tube.set_output(50e3, 100e-6)
    rig.keep(10.0)
    yield rig
    rig.tube.safe_off()
    rig.smu.safe_off()
    assert rig.refused() == {}


def test_an_open_lid_ends_the_beam_and_forbids_the_next(beam):
    begin(beam.world, "interlock_open", beam.clock.now())
    beam.clock.sleep(0.1)
    status = beam.tube.status()
    assert (status.hv_enabled, status.fault) == (False, FaultCode.INTERLOCK_OPEN)
    with pytest.raises(Refused, match="interlock open"):
        beam.tube.set_output(50e3, 100e-6)
    beam.clock.sleep(30.0)
    assert beam.smu.read().current_a == pytest.approx(beam.dark_a, rel=0.05)
    end(beam.world, "interlock_open", beam.clock.now())
    beam.tube.set_output(50e3, 100e-6)
    beam.keep(10.0)
    assert beam.smu.read().current_a > 3 * beam.dark_a


def test_a_shorted_interlock_ends_the_beam_too(beam):
    begin(beam.world, "interlock_shorted", beam.clock.now())
    beam.clock.sleep(0.1)
    status = beam.tube.status()
    assert (status.hv_enabled, status.fault) == (False, FaultCode.INTERLOCK_SHORTED)
    end(beam.world, "interlock_shorted", beam.clock.now())
    assert beam.tube.set_output(50e3, 100e-6).hv_enabled


def test_a_hot_board_shows_in_the_status_and_cools_again(beam):
    before_c = beam.tube.status().board_temperature_c
    begin(beam.world, "over_temperature", beam.clock.now())
    beam.keep(60.0)
    assert beam.tube.status().board_temperature_c > max(before_c, 55)
    end(beam.world, "over_temperature", beam.clock.now())
    beam.keep(60.0)
    assert beam.tube.status().board_temperature_c == pytest.approx(before_c, abs=6)


def test_a_crystal_that_conducts_too_well_drives_the_source_into_compliance(beam):
    assert not beam.smu.read().in_compliance
    begin(beam.world, "compliance", beam.clock.now())
    assert beam.smu.read().in_compliance
    end(beam.world, "compliance", beam.clock.now())
    beam.smu.read()
    assert not beam.smu.read().in_compliance


def test_dose_comes_without_a_beam(beam):
    beam.tube.safe_off()
    beam.clock.sleep(30.0)
    begin(beam.world, "dose_without_beam", beam.clock.now())
    assert beam.kerma_rate_gy_s(10.0) == pytest.approx(1e-6, rel=dose_tolerance(10, 1e-6))
    lit_a = beam.currents_a(10).mean()
    assert lit_a - beam.dark_a == pytest.approx(photocurrent_a(1e-6), abs=3e-9)
    assert not beam.tube.status().hv_enabled
    end(beam.world, "dose_without_beam", beam.clock.now())
    assert abs(beam.kerma_rate_gy_s(10.0)) < 1e-9


def test_a_beam_comes_without_dose(beam):
    assert beam.kerma_rate_gy_s(10.0) > 1e-5
    begin(beam.world, "beam_without_dose", beam.clock.now())
    beam.keep(20.0)
    assert abs(beam.kerma_rate_gy_s(10.0)) < 1e-9
    assert beam.tube.status().hv_enabled
    assert beam.smu.read().current_a == pytest.approx(beam.dark_a, rel=0.05)
    end(beam.world, "beam_without_dose", beam.clock.now())
    assert beam.kerma_rate_gy_s(10.0) > 1e-5


def test_an_open_sensor_has_no_temperature_and_no_ramp():
    rig = coupled(roles=("temperature",))
    rig.temperature.identify()
    rig.temperature.configure(ControlSettings(HeaterRange.LOW))
    begin(rig.world, "sensor_open", rig.clock.now())
    rig.clock.sleep(5.0)
    reading = rig.temperature.read()
    assert not reading.good
    assert math.isnan(reading.temperature_k)
    with pytest.raises(InstrumentError, match="not good"):
        rig.temperature.start_ramp(300.0, 5.0)
    end(rig.world, "sensor_open", rig.clock.now())
    rig.clock.sleep(5.0)
    assert rig.temperature.read().good
    assert rig.refused() == {}


def test_what_the_controller_did_before_the_sensor_opened_stays_done():
    rig = coupled(roles=("temperature",), temperature_k=298.0)
    rig.temperature.identify()
    rig.temperature.configure(ControlSettings(HeaterRange.HIGH))
    rig.temperature.start_ramp(303.0, 5.0)
    rig.clock.sleep(60.0)  # nobody looks
    begin(rig.world, "sensor_open", rig.clock.now())
    assert rig.world.stage.stage_k(rig.clock.now()) > 298.0 + 2.5


def test_a_large_offset_current_overloads_preamplifier_and_analyser():
    rig = coupled(roles=("preamplifier", "analyser"), wiring="preamplifier")
    rig.preamplifier.configure(Sr570Settings(1e-6, bias_v=5.0))
    rig.analyser.configure(NoiseSettings(400.0, -9, 2, lines=100))
    assert not rig.analyser.measure().overload
    begin(rig.world, "overload", rig.clock.now())
    assert rig.analyser.measure().overload
    end(rig.world, "overload", rig.clock.now())
    rig.preamplifier.reset_overload()
    rig.clock.sleep(5.0)
    rig.analyser.measure()  # the analyser looks at its input while it measures: until then it shows the last look
    assert not rig.analyser.measure().overload
    assert rig.refused() == {}


@pytest.mark.parametrize("value", ["0.09", "-0.0004", "nan", "inf", "thick", ""])
def test_foils_that_cannot_be_leave_the_beam_and_the_holder_as_they_were(value):
    rig = coupled(roles=("smu", "operator"))
    assert rig.do("mount_aluminium 0.002") == "DONE"
    before = rig.world.truth()
    assert rig.do(f"mount_aluminium {value}").startswith("IMPOSSIBLE")
    assert rig.world.truth() == before


def test_nobody_opens_the_lid_of_a_tube_that_is_not_there():
    rig = coupled(roles=("smu", "operator"))
    assert rig.do("open_lid") == "IMPOSSIBLE: this bench has no tube"
