import numpy as np
import pytest


def test_no_reading_with_the_output_off(biased):
    biased.tell(":OUTP OFF")
    assert not biased.answers(":READ?", within_s=60)
    assert biased.errors() == [803]
    assert biased.load.bias_v == 0


def test_an_interlock_in_use_keeps_the_output_off(biased):
    biased.tell(":OUTP:ENAB ON")
    biased.device.instrument.open_interlock()
    assert biased.load.bias_v == 0
    biased.tell(":OUTP ON")
    assert biased.errors() == [802]
    biased.device.instrument.interlock_closed = True
    assert biased.ask(":OUTP?;:OUTP:ENAB:TRIP?") == "0;1"


def test_a_query_waits_while_readings_are_taken(biased):
    biased.tell(":SENS:CURR:NPLC 10;:TRIG:COUN 100;:SOUR:DEL 0")
    biased.tell(":INIT")
    assert biased.timed("*OPC?") == pytest.approx(100 * 0.2005 + 0.003, abs=1e-3)


def test_a_bus_poll_is_answered_at_once_and_a_request_for_service_is_given_once(biased):
    biased.tell(":STAT:MEAS:ENAB 512;*SRE 1", ":TRAC:CLE;POIN 100;FEED:CONT NEXT", ":TRIG:COUN 100")
    biased.tell(":INIT")
    assert biased.adapter.connection.read_stb() & 65 == 0
    biased.clock.sleep(10)
    assert biased.adapter.connection.read_stb() & 65 == 65
    assert biased.adapter.connection.read_stb() & 65 == 1
    assert biased.ask(":STAT:MEAS?") == str(64 + 256 + 512)
    assert len(biased.read(":TRAC:DATA?")) == 100


def test_abort_acts_at_once_and_what_was_read_stays(biased):
    biased.tell(":SENS:CURR:NPLC 10;:TRIG:COUN 1000", ":INIT")
    biased.clock.sleep(1.1)
    biased.tell(":ABOR;:OUTP OFF")
    assert biased.load.bias_v == 0
    assert len(biased.read(":FETC?")) == 5


def test_output_off_alone_waits_until_the_readings_are_done(biased):
    biased.tell(":SENS:CURR:NPLC 10;:TRIG:COUN 10", ":INIT", ":OUTP OFF")
    assert biased.load.bias_v != 0
    biased.clock.sleep(3)
    assert biased.ask(":OUTP?") == "0"
    assert biased.load.bias_v == 0


def test_a_device_clear_goes_to_idle_and_keeps_the_settings(biased):
    biased.tell(":TRIG:COUN 2500", ":READ?")
    biased.adapter.connection.clear()
    assert biased.timed(":SOUR:VOLT?") < 0.01
    assert biased.load.bias_v == pytest.approx(5, rel=1e-3)


def test_a_reset_in_the_middle_turns_the_output_off_at_once(biased):
    biased.tell(":TRIG:COUN 2500", ":INIT")
    biased.tell("*RST")
    assert biased.load.bias_v == 0


def test_a_bus_trigger_is_waited_for(biased):
    biased.tell(":ARM:SOUR BUS", ":INIT")
    biased.clock.sleep(100)
    biased.tell("*TRG")
    assert len(biased.read(":FETC?")) == 1


def test_a_timer_paces_the_arm_layer(biased):
    biased.tell(":ARM:SOUR TIM;TIM 2;COUN 5", ":SYST:TIME:RES")
    times_s = np.array(biased.read())[:, 3]
    assert np.diff(times_s) == pytest.approx(2.0, rel=2e-2)


@pytest.mark.parametrize("counts", [":ARM:COUN 50;:TRIG:COUN 51", ":ARM:COUN INF"])
def test_more_readings_than_fit_are_refused(biased, counts):
    biased.tell(counts)
    assert not biased.answers(":READ?")
    assert biased.errors() == [830]


def test_fetch_repeats_the_last_set_and_refuses_without_one(host):
    assert not host.answers(":FETC?")
    assert host.errors() == [-230]
    host.tell(":OUTP ON")
    assert host.ask(":READ?") == host.ask(":FETC?")


def test_the_buffer_keeps_2500_readings_and_stops(biased):
    biased.tell(":SENS:CURR:NPLC 0.01;:SOUR:DEL 0", ":TRAC:CLE;POIN 2500;FEED:CONT NEXT", ":TRIG:COUN 2500", ":INIT")
    rows = np.array(biased.read(":TRAC:DATA?"))
    assert len(rows) == 2500
    assert rows[0, 3] == 0.0
    assert np.diff(rows[:, 3]) == pytest.approx(0.0007, abs=2e-6)
    assert biased.ask(":TRAC:FEED:CONT?;:TRAC:POIN:ACT?;:TRAC:FREE?") == "NEV;2500;0,120000"


def test_time_stamps_of_the_buffer_may_be_steps(biased):
    biased.tell(":TRAC:CLE;POIN 3;TST:FORM DELT;:TRAC:FEED:CONT NEXT", ":SOUR:DEL 0;:TRIG:COUN 3", ":INIT")
    times_s = np.array(biased.read(":TRAC:DATA?"))[:, 3]
    assert times_s == pytest.approx([0, 0.0205, 0.0205], abs=1e-4)


def test_statistics_of_the_buffer(biased):
    biased.tell(":TRAC:CLE;POIN 200;FEED:CONT NEXT", ":TRIG:COUN 200", ":INIT")
    amps = np.array(biased.read(":TRAC:DATA?"))[:, 1]
    biased.tell(":CALC3:FORM SDEV")
    assert float(biased.ask(":CALC3:DATA?").split(",")[1]) == pytest.approx(amps.std(ddof=1), rel=1e-4)


def test_a_linear_sweep_couples_step_and_points_and_runs_through_its_levels(biased):
    biased.tell(":SOUR:VOLT:MODE SWE;:SOUR:SWE:SPAC LIN;:SOUR:VOLT:STAR -1;STOP 1;STEP 0.05")
    assert biased.ask(":SOUR:SWE:POIN?") == "41"
    biased.load.steps.clear()
    biased.tell(":TRIG:COUN 41;:SOUR:DEL 0.1")
    rows = np.array(biased.read())
    assert rows[:, 0] == pytest.approx(np.linspace(-1, 1, 41), abs=1e-6)
    assert rows[:, 1] == pytest.approx(1e-8 * rows[:, 0], abs=2e-10)
    at_the_crystal = [volts for _, volts in biased.load.steps]
    assert at_the_crystal == pytest.approx(np.linspace(-1, 1, 41), abs=3e-4)


def test_a_logarithmic_sweep_may_go_down(biased):
    biased.tell(":SOUR:VOLT:STAR 0.01;STOP 10;:SOUR:SWE:SPAC LOG;POIN 4;DIR DOWN;:SOUR:VOLT:MODE SWE;:TRIG:COUN 4")
    assert np.array(biased.read())[:, 0] == pytest.approx([10, 1, 0.1, 0.01])


@pytest.mark.parametrize(
    ("sweep", "code"),
    [
        (":SOUR:SWE:SPAC LOG;:SOUR:VOLT:STAR 0;STOP 1", -221),
        (":SOUR:SWE:SPAC LOG;:SOUR:VOLT:STAR -1;STOP 1", -221),
        (":SENS:CURR:PROT 1;:SOUR:VOLT:STAR 0;STOP 100", 826),
    ],
)
def test_a_sweep_that_cannot_be_is_refused_before_its_first_level(biased, sweep, code):
    biased.tell(sweep, ":SOUR:VOLT:MODE SWE;:SOUR:SWE:POIN 3;:TRIG:COUN 3")
    biased.load.steps.clear()
    assert not biased.answers(":READ?", within_s=10)
    assert biased.errors() == [code]
    assert biased.load.steps == []


def test_a_list_is_appended_to_and_swept(biased):
    biased.tell(":SOUR:LIST:VOLT 0,1,2", ":SOUR:LIST:VOLT:APP -1", ":SOUR:VOLT:MODE LIST;:TRIG:COUN 4")
    assert biased.ask(":SOUR:LIST:VOLT:POIN?") == "4"
    assert np.array(biased.read())[:, 0].tolist() == [0, 1, 2, -1]
    biased.tell(":SOUR:LIST:VOLT " + ",".join(["1"] * 101))
    assert biased.errors() == [-108]


def test_a_sweep_may_be_ended_by_compliance(biased):
    biased.load.siemens = 1e-7
    biased.tell(":SENS:CURR:PROT 3.5e-7", ":SOUR:VOLT:STAR 0;STOP 10;:SOUR:SWE:POIN 11;CAB LATE;:SOUR:VOLT:MODE SWE")
    biased.tell(":TRIG:COUN 11")
    assert len(biased.read()) == 5


def test_the_feed_cannot_change_while_readings_are_stored(biased):
    biased.tell(":TRAC:CLE;POIN 5;FEED:CONT NEXT", ":ARM:SOUR BUS", ":TRIG:COUN 5")
    biased.tell(":INIT", "*TRG", ":TRAC:FEED CALC")
    biased.clock.sleep(5)
    assert biased.errors() == [0]  # it waited


@pytest.mark.parametrize(
    ("before", "line", "code", "query"),
    [
        (":SENS:CURR:PROT 1e-3;RANG 1e-3", ":SENS:CURR:PROT 1e-7", 822, ":SENS:CURR:PROT?"),
        (":SENS:CURR:PROT 1e-8", ":SENS:CURR:RANG 1e-3", 824, ":SENS:CURR:RANG?"),
        ("*WAI", ":SENS:VOLT:RANG 2", 823, ":SENS:VOLT:RANG?"),
        (":SOUR:FUNC CURR", ":SENS:CURR:RANG 1e-3", 823, ":SENS:CURR:RANG?"),
        (":SENS:CURR:PROT 1", ":SOUR:VOLT 30", 826, ":SOUR:VOLT?"),
        (":SOUR:VOLT:RANG 200", ":SENS:CURR:PROT 0.5", 826, ":SENS:CURR:PROT?"),
        (":SOUR:VOLT:RANG 2", ":SOUR:VOLT 5", -222, ":SOUR:VOLT?"),
        (":SOUR:VOLT 5", ":SOUR:VOLT:RANG 2", -221, ":SOUR:VOLT:RANG?"),
        (":SOUR:VOLT:RANG 20", ":SOUR:VOLT MAX", -221, ":SOUR:VOLT?"),
    ],
)
def test_settings_that_do_not_fit_are_refused_and_the_old_ones_stay(host, before, line, code, query):
    host.tell(before)
    value = host.ask(query)
    assert host.errors() == [0]
    host.tell(line)
    assert host.errors() == [code]
    assert host.ask(query) == value
    assert host.device.refused == []


@pytest.mark.parametrize("mode", ["NORM", "ZERO", "HIMP", "GUAR"])
def test_every_off_mode_takes_the_bias_away(biased, mode):
    biased.tell(f":OUTP:SMOD {mode}", ":OUTP OFF")
    assert biased.load.bias_v == 0
    biased.tell(":OUTP ON")
    biased.ask("*OPC?")
    assert biased.load.bias_v == pytest.approx(5, rel=1e-3)


def test_with_automatic_clear_the_output_is_on_only_for_the_reading(biased):
    biased.tell(":OUTP OFF", ":SOUR:CLE:AUTO ON")
    assert biased.read()[0][1] == pytest.approx(50e-9, rel=1e-2)
    assert biased.load.bias_v == 0
