import random

import h5py
import numpy as np
import pytest

from xraydaq.clock import RealClock
from xraydaq.storage import live_view

KILLS = 12

PUBLISH = """
import numpy as np
from xraydaq.storage.live import LiveFile
live = LiveFile.create(root, header)
say("there")
for first in itertools.count(0, 700):
    live.append([np.arange(first, first + 700, dtype=column.dtype) for column in header.columns])
    live.flush()
    say(first + 700)
"""


@pytest.mark.slow
def test_a_live_file_opens_whenever_the_publisher_was_killed_and_has_every_row_it_had_flushed(start_child, tmp_path):
    rng, clock, flushed = random.Random(12), RealClock(), []
    for _ in range(KILLS):
        child = start_child(PUBLISH)
        assert child.stdout.readline() == b"there\n"
        clock.sleep(rng.uniform(0.0, 0.1))
        child.kill()
        child.wait()
        flushed.append(int((child.stdout.read().splitlines() or [b"0"])[-1]))
        with live_view(tmp_path) as view:
            current = view.poll()["current"]
            assert len(current) == view.rows >= flushed[-1]
            np.testing.assert_array_equal(current, np.arange(view.rows))
        with h5py.File(tmp_path / "run.live.h5", "r", swmr=True) as file:
            assert file["entry/daq/state"][0] == b"running"
            assert file["entry/daq/events"].shape == (0,)
            assert all(len(column) >= view.rows for column in file["entry/data"].values())
        (tmp_path / "run.live.h5").unlink()
    assert max(flushed) > 0
