import os

# two workers on two cores: threads of the linear algebra would only fight with the other worker
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


import pytest


@pytest.fixture(autouse=True, scope="session")
def _spill_beside_the_tests(tmp_path_factory):
    """Keep what runs spill, and what is looked for there, away from the user's own folder."""
    os.environ["XRAYDAQ_SPILL"] = str(tmp_path_factory.mktemp("spill"))
