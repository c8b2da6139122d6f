import json

import pytest

from instruments.keithley2400 import SourceVoltageSettings
from xraydaq.bench.asking import snapshots
from xraydaq.bench.opening import cabled, open_role, simulate
from xraydaq.clock import JumpingClock
from xraydaq.config import default_bench, load_bench

SMU = SourceVoltageSettings(
    source_range_v=5.0, current_range_a=1e-6, compliance_a=5e-5, nplc=0.1, line_frequency_hz=50.0
)
OTHER = """
name = "mine"
[roles.smu]
driver = "keithley2400"
resource = "SIM::smu"
model = "MODEL 2410"
[limits]
max_bias = "25 V"
max_current = "1 mA"
[twin]
"""


@pytest.fixture
def config():
    return load_bench(default_bench())


@pytest.fixture
def clock():
    return JumpingClock()


@pytest.fixture
def simulation(config, clock):
    return simulate(config, clock, cabled(config))


def test_every_role_is_shown_with_what_was_asked_and_what_was_answered(xraydaq, config):
    said = xraydaq("bench", "settings")
    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines()[0].endswith("): simulated bench")
    for name in cabled(config):
        assert f"\n{name} ({config.roles[name].driver}, SIM::{name})\n  " in said.out
    assert [line for line in said.out.splitlines() if "confidence" in line] == ["  confidence  unknown"]
    assert any(line.split() == [":OUTP?", "0"] for line in said.out.splitlines())


def test_json_holds_the_same_as_a_run_stores(xraydaq, config, clock, simulation):
    said = xraydaq("bench", "settings", "--json")
    assert (said.code, said.err) == (0, "")
    shown = json.loads(said.out)
    assert (shown["bench"], shown["simulated"]) == ("simulated", True)
    assert list(shown["roles"]) == list(cabled(config))
    with open_role("smu", config, simulation, clock) as smu:
        assert shown["roles"]["smu"]["settings"] == smu.settings()
    assert shown["roles"]["smu"]["idn"].startswith("KEITHLEY INSTRUMENTS INC.,MODEL 2400,1234567,")
    assert all(each["error"] is None for each in shown["roles"].values())


def test_another_instrument_than_the_bench_file_names_is_asked_for_no_settings(xraydaq, workplace):
    (workplace / "mine.toml").write_text(OTHER)
    said = xraydaq("bench", "settings", "--bench", "mine.toml", "--json")
    assert (said.code, said.err) == (4, "")
    smu = json.loads(said.out)["roles"]["smu"]
    assert smu["settings"] is None
    assert "MODEL 2400" in smu["idn"]
    assert smu["error"].startswith("role smu at SIM::smu: model is 'MODEL 2400', the bench file says 'MODEL 2410'")
    said = xraydaq("bench", "settings", "--bench", "mine.toml")
    assert said.code == 4
    assert "\n  MISSING OR WRONG: role smu at SIM::smu: model is" in said.out


def test_a_bench_that_is_biased_and_beaming_stays_as_it_is(config, clock, simulation):
    with open_role("smu", config, simulation, clock) as smu, open_role("tube", config, simulation, clock) as tube:
        smu.configure(SMU)
        smu.bias_v = 1.0
        smu.output_enabled = True
        tube.set_output(30e3, 50e-6)
    before = len(simulation.devices["tube"].beam_log)
    first = {each.name: each.settings for each in snapshots(config, clock, simulation)}
    again = {each.name: each.settings for each in snapshots(config, clock, simulation)}
    simulation.advance(clock.now())
    assert simulation.crystal.bias_v == pytest.approx(1.0, abs=0.01)
    assert simulation.devices["tube"].beam_on
    assert len(simulation.devices["tube"].beam_log) == before
    assert simulation.devices["tube"].writes_that_must_not_happen == []
    assert all(device.refused == [] for device in simulation.devices.values())
    assert simulation.links["preamplifier"].bytes_received == 0
    assert (first["smu"][":OUTP?"], float(first["smu"][":SOUR:VOLT?"])) == ("1", 1.0)
    for name in ("smu", "tube", "preamplifier", "analyser", "temperature"):  # the dosimeter's include its status
        assert first[name] == again[name]
