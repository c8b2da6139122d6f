import resource
import signal

import h5py
import numpy as np
import pytest

from xraydaq.storage.workfile import WorkFile

ROOM_BYTES = 20_000


@pytest.fixture
def no_room_behind():
    """Let no file of this process grow beyond a size, as a full disk would."""
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM_BYTES, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


def write_and_read_back(work, values):
    with h5py.File(work, "w") as file:
        for index in range(4):
            file.create_dataset(str(index), data=values + index, chunks=(512,))
        file.flush()
        return [file[str(index)][()].tolist() for index in range(4)]


def test_a_work_file_is_the_file_that_hdf5_wrote(tmp_path):
    values = np.arange(5000.0)
    with WorkFile(tmp_path / "x.h5") as work:
        write_and_read_back(work, values)
        assert work.failure is None
    with h5py.File(tmp_path / "x.h5") as file:
        assert file["3"][()].tolist() == (values + 3).tolist()


def test_hdf5_closes_in_order_on_a_full_disk_and_the_failure_is_known(tmp_path, no_room_behind):
    values = np.arange(5000.0)
    with WorkFile(tmp_path / "x.h5") as work:
        assert write_and_read_back(work, values) == [(values + index).tolist() for index in range(4)]
        assert isinstance(work.failure, OSError)
    assert (tmp_path / "x.h5").stat().st_size <= ROOM_BYTES
