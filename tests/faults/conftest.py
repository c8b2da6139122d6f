import subprocess
from contextlib import suppress

import pytest

from tests.faults.bench import HOME, Bench, program, setup_of
from xraydaq.clock import RealClock
from xraydaq.errors import XraydaqError
from xraydaq.guardian.client import RemoteGuard


@pytest.fixture(scope="session")
def _served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    log, written = folder / "bench.jsonl", folder / "bench.toml"
    script = HOME / "tests/faults/served_bench.py"
    with program(script, log, written, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        yield Bench(process, log, written)


@pytest.fixture
def bench(_served, tmp_path, monkeypatch):
    """A served bench whose lid is closed, whose beam is off, and whose log begins with this test."""
    runtime = tmp_path / "run"
    runtime.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    _served.begin()
    yield _served
    _served.does("close_lid")
    _served.happens("monitors", 0, 0)


@pytest.fixture
def alarms():
    return []


@pytest.fixture
def guard(bench, tmp_path, alarms):
    """A guardian as a process; what it ended with is the test's business."""
    found = RemoteGuard(setup_of(bench.roles, tmp_path), RealClock(), alarm=alarms.append)
    yield found
    with suppress(XraydaqError):
        found.close()
