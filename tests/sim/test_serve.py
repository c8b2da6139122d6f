import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

from instruments.keithley2400 import Keithley2400
from instruments.sim.bench import ROLES, SimBench
from instruments.sim.lakeshore335 import SensorFault
from instruments.sim.scenario import Happening, parse_happenings
from instruments.sim.serve import EventLog, ServedBench
from xraydaq.clock import JumpingClock
from xraydaq.errors import InstrumentError

HOME = Path(__file__).resolve().parents[2]
SERVES = """
import sys
from instruments.sim.bench import SimBench
from instruments.sim.serve import ServedBench
from xraydaq.clock import JumpingClock
clock = JumpingClock()
with ServedBench(SimBench(clock), clock):
    print(*sorted(sys.modules.keys() & {"scipy.interpolate", "scipy.optimize", "scipy.signal"}))
"""


@pytest.fixture
def clock():
    return JumpingClock()


@pytest.fixture
def bench(clock):
    return SimBench(clock, roles=ROLES, is_served=True)


@pytest.fixture
def serve(bench, clock):
    """Serve the bench with faults; time moves only by the function that is returned."""
    served = []

    def start(*faults):
        served.append(ServedBench(bench, clock, parse_happenings(faults, ROLES)))

        def until(time_s):
            clock.sleep_until(time_s)
            served[0].advance()

        return until

    yield start
    for each in served:
        each.close()


def smu_of(bench, clock):
    return Keithley2400(bench.adapter("smu"), clock=clock, max_bias_v=10.0)


def kerma_gy_s(bench, now_s):
    return bench.world.kerma_rate_gy_s(now_s - 0.5, now_s)


def test_every_role_has_an_address_and_only_those_with_a_serial_interface_are_pseudo_terminals(bench, clock):
    with ServedBench(bench, clock) as served:
        assert list(served.resources) == list(ROLES)
        serial = {role for role, resource in served.resources.items() if resource.startswith("ASRL/dev/pts/")}
        assert serial == {"tube", "preamplifier", "temperature"}
        others = [resource for role, resource in served.resources.items() if role not in serial]
        assert all(resource.startswith("TCPIP0::127.0.0.1::") for resource in others)
        assert len(set(others)) == len(others)


def test_no_host_has_to_wait_for_an_import():
    done = subprocess.run([sys.executable, "-c", SERVES], cwd=HOME, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["scipy.interpolate", "scipy.optimize", "scipy.signal"]


def test_a_fault_of_the_world_begins_and_ends_when_it_is_written(bench, serve):
    sensor = bench.devices["temperature"].instrument.inputs["A"]
    until = serve("sensor_open@30-60")
    seen = {}
    for time_s in (0.0, 29.9, 30.0, 59.9, 60.0):
        until(time_s)
        seen[time_s] = sensor.fault
    assert [each is SensorFault.OPEN for each in seen.values()] == [False, False, True, True, False]


def test_a_fault_without_an_end_stays_and_two_do_not_disturb_each_other(bench, serve):
    until = serve("dose_without_beam@10", "sensor_open@5-20")
    until(9.0)
    assert kerma_gy_s(bench, 9.0) == 0
    until(3600.0)
    assert kerma_gy_s(bench, 3600.0) > 0
    assert bench.devices["temperature"].instrument.inputs["A"].fault is SensorFault.NONE


def test_a_fault_that_begins_and_ends_between_two_looks_is_over(bench, serve):
    until = serve("dose_without_beam@10-20")
    until(100.0)
    assert kerma_gy_s(bench, 100.0) == 0


def test_a_line_is_spoiled_only_during_its_fault(bench, clock, serve):
    until = serve("smu:missing@100-200")
    smu = smu_of(bench, clock)
    assert smu.identify().model == "MODEL 2400"
    until(100.0)
    with pytest.raises(InstrumentError):
        smu.identify()
    until(200.0)
    assert smu.identify().model == "MODEL 2400"


def test_what_is_sent_while_a_cable_is_out_reaches_nobody(bench, clock, serve):
    until = serve("smu:unplugged@100-200")
    until(100.0)
    before = bench.links["smu"].bytes_received
    with pytest.raises(InstrumentError):
        smu_of(bench, clock).identify()
    assert bench.links["smu"].bytes_received == before
    until(200.0)
    assert smu_of(bench, clock).identify().model == "MODEL 2400"


def test_the_tube_notices_that_its_cable_is_out(bench, serve):
    until = serve("tube:unplugged@100-200")
    tube, seen = bench.devices["tube"], []
    for time_s in (99.0, 101.0, 201.0):
        until(time_s)
        tube.advance(time_s)
        seen.append(tube.controller.is_plugged)
    assert seen == [True, False, True]


def test_a_line_fault_has_no_end_unless_one_is_written():
    assert parse_happenings(["smu:late@1"], ROLES) == (Happening("smu", "late", 1.0, math.inf),)


def test_the_log_has_every_byte_in_order_and_keeps_what_it_had(clock, tmp_path):
    path = tmp_path / "bench.jsonl"
    path.write_text('{"what": "was there before"}\n')
    with EventLog(path) as log:
        bench = SimBench(clock, roles=("smu",), is_served=True, log=log.bytes)
        adapter = bench.adapter("smu")
        adapter.write_bytes(b"*IDN?\n\x00\xff\n")
        answer = adapter.read_bytes(-1, break_on_termchar=True)
    first, *lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert first == {"what": "was there before"}
    assert {line["role"] for line in lines} == {"smu"}
    carried = {
        kind: "".join(line["text"] for line in lines if line["kind"] == kind).encode("latin-1")
        for kind in ("received", "sent")
    }
    assert carried["received"] == b"*IDN?\n\x00\xff\n"
    assert answer
    assert carried["sent"].startswith(answer)


def test_a_log_without_a_file_takes_everything_and_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with EventLog(None) as log:
        log.bytes("smu", 0.0, ">", b"x")
    assert list(tmp_path.iterdir()) == []


def test_closing_twice_is_harmless(bench, clock):
    served = ServedBench(bench, clock)
    served.close()
    served.close()
