"""Roles that have no cable: who is asked, what the simulated world notices, and what is refused."""

from datetime import date

import pytest

from instruments.accugold import Air, BridgeDosimeter, Chamber, ImportedDosimeter, OperatorDosimeter
from instruments.minix2 import MiniX2
from instruments.sim.bench import SimBench
from instruments.sim.serve import EventLog, ServedBench
from xraydaq.bench.by_hand import dark_check, open_filters, open_operator
from xraydaq.bench.opening import open_bench, open_role, simulate
from xraydaq.bench.operator import CLOSE_LID, OPEN_LID, Request
from xraydaq.bench.serving import bench_text, served_simulation
from xraydaq.clock import JumpingClock, RealClock
from xraydaq.config import default_bench, load_bench, load_run, shipped_configs
from xraydaq.config.recipes.bias_stability import BiasStabilityParameters
from xraydaq.errors import InstrumentError, LimitError, Refused

LIMITS = """
[limits]
max_bias = "20 V"
max_current = "1 mA"
"""

STATED = """
[dosimeter]
digitizer = "AGDM+"
chamber = "10X6-180"
chamber_serial = "00-0000"
digitizer_serial = "48-0000"
calibrated = 2026-07-13
corrected = false
reference_temperature = "20 degC"
reference_pressure = "1013.25 hPa"
"""

FILTERS = """
[roles.filters]
driver = "foils"
resource = "OPERATOR"

[filters]
fixed = "1 mm"
foils = ["1 mm", "10 mm"]
"""

K_TP = 1.02481
"""Of 22.1 degC and 99.58 kPa for 20 degC and 101.325 kPa, to five digits."""

CHAMBER = Chamber("AGDM+", "48-0000", "10X6-180", "00-0000", date(2026, 7, 13))


def dosimeter_by(resource):
    return f'[roles.dosimeter]\ndriver = "accugold"\nresource = "{resource}"\n'


@pytest.fixture
def bench_of(tmp_path):
    """Read a bench file of these tables."""

    def act(*tables, head=""):
        path = tmp_path / "bench.toml"
        path.write_text('name = "lab"\n' + head + "".join(tables) + LIMITS)
        return load_bench(path)

    return act


class Person:
    """Types these lines and remembers what was shown."""

    def __init__(self, *lines):
        self.lines, self.shown = list(lines), []

    def __call__(self, text):
        self.shown.append(text)
        return self.lines.pop(0)


def test_a_person_reads_the_dosimeter_as_the_bench_file_describes_it(bench_of):
    person = Person("done", "2 uGy", "4 s", "22.1 degC, 99.58 kPa")
    bench = bench_of(dosimeter_by("OPERATOR"), STATED)
    with open_role("dosimeter", bench, None, JumpingClock(), ask=person) as dosimeter:
        assert isinstance(dosimeter, OperatorDosimeter)
        assert person.shown == []
        assert dosimeter.identify().serial == "48-0000"
        dosimeter.start("10 mm Al")
        reading = dosimeter.read()
    assert reading.chamber == CHAMBER
    assert reading.corrected_by == "program"
    assert reading.kerma_rate_gy_s == pytest.approx(0.5e-6 * K_TP, rel=5e-6)
    assert "10 mm Al" in person.shown[0]


def test_a_bench_that_leaves_it_open_has_the_person_asked_whether_it_is_corrected(bench_of):
    bench = bench_of(dosimeter_by("OPERATOR"), STATED.replace("corrected = false\n", ""))
    person = Person("done", "2 uGy", "4 s", "22.1 degC, 99.58 kPa", "yes")
    with open_role("dosimeter", bench, None, JumpingClock(), ask=person) as dosimeter:
        dosimeter.start("10 mm Al")
        assert dosimeter.read().corrected_by == "instrument"


def test_a_dosimeter_that_a_person_reads_is_refused_where_nobody_is(bench_of):
    bench = bench_of(dosimeter_by("OPERATOR"), STATED)
    with pytest.raises(Refused, match="nobody attends"), open_role("dosimeter", bench, None, JumpingClock()):
        pass


def test_the_headings_and_units_of_an_exported_log_come_from_the_bench_file(bench_of, tmp_path):
    folder = tmp_path / "exports"
    folder.mkdir()
    columns = """
dose_column = "Dosis"
dose_unit = "mrad"
time_column = "Dauer"
time_unit = "min"
temperature_column = "T"
temperature_unit = "K"
pressure_column = "P"
pressure_unit = "hPa"
delimiter = ";"
decimal = ","
"""
    bench = bench_of(dosimeter_by(f"FOLDER::{folder}"), STATED + columns)
    with open_role("dosimeter", bench, None, JumpingClock()) as dosimeter:
        assert isinstance(dosimeter, ImportedDosimeter)
        dosimeter.start("10 mm Al")
        (folder / "log.csv").write_text("Dosis;Dauer;T;P\n1,5;0,5;295,25;995,8\n")
        reading = dosimeter.read()
    assert reading.chamber == CHAMBER
    assert reading.time_s == 30.0
    assert reading.kerma_rate_gy_s == pytest.approx(15e-6 / 30.0 * K_TP, rel=5e-6)


def test_the_bridge_is_told_the_reference_of_the_certificate(bench_of):
    stated = '[dosimeter]\nreference_temperature = "20 degC"\nreference_pressure = "101.325 kPa"\n'
    bench = bench_of(dosimeter_by("SIM::dosimeter"), stated, "[twin]\n")
    clock = JumpingClock()
    with open_role("dosimeter", bench, simulate(bench, clock, ["dosimeter"]), clock) as dosimeter:
        assert isinstance(dosimeter, BridgeDosimeter)
        dosimeter.set_air(Air(295.25, 99580.0))
        dosimeter.start("10 mm Al")
        clock.sleep(10.0)
        assert dosimeter.read().k_tp == pytest.approx(K_TP, rel=5e-6)


def test_on_a_real_bench_a_person_mounts_filters_and_types_their_label(bench_of):
    person = Person("yes", "10 mm", "yes")
    bench, clock = bench_of(FILTERS), JumpingClock()
    operator = open_operator(bench, None, person)
    holder = open_filters(bench, operator, person, clock=clock, beam_is_off=dark_check(None, operator))
    assert person.shown == []
    assert holder.thicknesses_m == (0.0, 1e-3, 10e-3)
    assert holder.mount(10e-3).thickness_m == 10e-3
    assert "beam off" in person.shown[0]
    assert "Mount 10 mm Al" in person.shown[1]
    with pytest.raises(LimitError, match="allowed: none, 1 mm, 10 mm"):
        holder.mount(11e-3)


@pytest.mark.parametrize("answer", ["no", "", "maybe", "yes please"])
def test_without_a_tube_to_ask_anything_but_yes_leaves_the_filters_alone(bench_of, answer):
    person = Person(answer)
    bench = bench_of(FILTERS)
    operator = open_operator(bench, None, person)
    holder = open_filters(bench, operator, person, clock=JumpingClock(), beam_is_off=dark_check(None, operator))
    with pytest.raises(Refused, match="beam is not shown to be off"):
        holder.mount(10e-3)
    assert holder.mounted is None
    assert len(person.shown) == 1


def test_a_run_that_nobody_attends_has_no_filters_and_everything_declined(bench_of):
    bench = bench_of(FILTERS)
    operator = open_operator(bench, None, None)
    assert not operator.do(Request(OPEN_LID, "Open the lid."))
    with pytest.raises(Refused, match="nobody attends"):
        open_filters(bench, operator, None, clock=JumpingClock(), beam_is_off=lambda: True)


def test_filters_that_are_not_described_are_not_opened(bench_of):
    bench = bench_of('[roles.smu]\ndriver = "keithley2400"\nresource = "GPIB0::24::INSTR"\n')
    with pytest.raises(Refused, match=r"no table \[filters\]"):
        open_filters(bench, open_operator(bench, None, None), None, clock=JumpingClock(), beam_is_off=lambda: True)


def at_the_simulated_bench(*roles):
    """The shipped simulated bench, its world, its clock."""
    bench, clock = load_bench(default_bench()), JumpingClock()
    simulation = simulate(bench, clock, roles)
    assert isinstance(simulation, SimBench)
    return bench, simulation, clock


def test_on_a_simulated_bench_the_world_notices_which_filter_hangs_there():
    bench, simulation, clock = at_the_simulated_bench("tube", "filters")
    operator = open_operator(bench, simulation, None)
    with open_role("tube", bench, simulation, clock) as tube:
        holder = open_filters(bench, operator, None, clock=clock, beam_is_off=dark_check(tube, operator))
        assert simulation.filters.mounted_m == 0.0
        assert holder.mount(9e-3).thickness_m == 9e-3
        assert simulation.filters.mounted_m == 9e-3
        holder.mount(0.0)
        assert simulation.filters.mounted_m == 0.0
        assert simulation.filters.changes == 2


def test_no_filter_is_changed_while_the_tube_says_that_its_beam_is_on():
    bench, simulation, clock = at_the_simulated_bench("tube")
    operator = open_operator(bench, simulation, None)
    with open_role("tube", bench, simulation, clock) as tube:
        assert isinstance(tube, MiniX2)
        holder = open_filters(bench, operator, None, clock=clock, beam_is_off=dark_check(tube, operator))
        tube.prepare()
        tube.set_output(40e3, 100e-6)
        with pytest.raises(Refused, match="beam is not shown to be off"):
            holder.mount(9e-3)
        assert simulation.filters.changes == 0
        tube.safe_off()
        holder.mount(9e-3)
        assert simulation.filters.mounted_m == 9e-3


def test_a_stand_in_cannot_know_whether_the_beam_is_off():
    bench, simulation, clock = at_the_simulated_bench("smu")
    operator = open_operator(bench, simulation, None)
    holder = open_filters(bench, operator, None, clock=clock, beam_is_off=dark_check(None, operator))
    with pytest.raises(Refused):
        holder.mount(9e-3)
    assert simulation.filters.changes == 0


def test_what_a_stand_in_cannot_do_is_an_error_and_changes_nothing():
    bench, simulation, _ = at_the_simulated_bench("tube")
    operator = open_operator(bench, simulation, None)
    with pytest.raises(InstrumentError, match="IMPOSSIBLE"):
        operator.do(Request("mount_aluminium", "Mount it.", "nan"))
    with pytest.raises(InstrumentError, match="cannot dance"):
        operator.do(Request("dance", "Dance."))
    assert simulation.filters.changes == 0


@pytest.fixture
def served(tmp_path):
    """The shipped bench served by real ports, and the bench file that another program would dial in with."""
    shipped, clock = load_bench(default_bench()), RealClock()
    with EventLog(None) as events:
        simulation = served_simulation(shipped, clock, events, device="atomistic", seed=1)
        with ServedBench(simulation, clock) as server:
            path = tmp_path / "served.toml"
            path.write_text(bench_text(shipped, server.resources))
            yield load_bench(path), simulation, clock


def test_on_a_served_bench_filters_are_changed_by_the_operator_on_its_line(served):
    bench, simulation, clock = served
    operator = open_operator(bench, None, None)
    with open_role("tube", bench, None, clock) as tube:
        holder = open_filters(bench, operator, None, clock=clock, beam_is_off=dark_check(tube, operator))
        holder.mount(14e-3)
        assert simulation.filters.mounted_m == 14e-3
        assert operator.do(Request(OPEN_LID, "Open the lid."))
        assert not tube.status().interlock_closed
        assert operator.do(Request(CLOSE_LID, "Close the lid."))
    assert simulation.devices["operator"].refused == []


def test_a_served_bench_without_its_operator_has_nobody_to_change_filters(bench_of):
    bench = bench_of(FILTERS, head="served_simulation = true\n")
    person = Person()
    with pytest.raises(Refused, match="nobody changes its filters"):
        open_filters(bench, open_operator(bench, None, person), person, clock=JumpingClock(), beam_is_off=lambda: True)


def test_a_run_opens_every_role_its_procedure_names_with_the_tube_guarding_the_filters(monkeypatch):
    monkeypatch.setattr(BiasStabilityParameters, "ROLES", ("filters", "smu", "tube", "dosimeter"))
    config = load_run(shipped_configs() / "recipes" / "bias_stability.toml")
    with open_bench(config, JumpingClock()) as opened:
        assert set(opened.instruments) == set(opened.identities) == {"smu", "tube", "dosimeter"}
        tube, holder = opened.instruments["tube"], opened.filters
        holder.mount(9e-3)
        tube.prepare()
        tube.set_output(40e3, 100e-6)
        with pytest.raises(Refused, match="beam is not shown to be off"):
            holder.mount(1e-3)
        assert opened.simulation.filters.mounted_m == 9e-3


def test_a_run_without_filters_opens_none():
    config = load_run(shipped_configs() / "recipes" / "bias_stability.toml")
    with open_bench(config, JumpingClock()) as opened:
        assert opened.filters is None
        assert set(opened.instruments) == {"smu"}
