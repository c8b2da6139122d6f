"""The program with a mistake in it that it does not have: what a user's procedure, a driver or a disk may do.

Run as ``python altered.py NAME run ...``; NAME is one of `ALTERATIONS`, the rest is for ``xraydaq``.
"""

import sys
from itertools import count
from pathlib import Path

from instruments.keithley2400 import Keithley2400
from procedures import stage
from procedures.beam import Beam
from procedures.photoresponse import Photoresponse
from xraydaq.cli.main import main
from xraydaq.clock import RealClock
from xraydaq.runner import arming

LIT_ROWS = 10


def _after_lit_rows(act):
    """Have something done at the tenth reading in the beam."""
    taken, take_row = count(1), Photoresponse.take_row

    def altered(self):
        take_row(self)
        if self.beam.is_on and next(taken) == LIT_ROWS:
            act(self)

    Photoresponse.take_row = altered


def bug_in_execute():
    def act(_procedure):
        raise ZeroDivisionError("a bug of the procedure")

    _after_lit_rows(act)


def bug_in_startup():
    prepare = stage.Stage.prepare

    def altered(self, way_back):
        prepare(self, way_back)
        raise ZeroDivisionError("a bug of the procedure")

    stage.Stage.prepare = altered


def broken_ramp():
    def altered(self, bias_v):
        raise RuntimeError(f"a bug on the way to {bias_v:g} V")

    Keithley2400.lower_bias = altered


def broken_beam_off():
    cut = Beam._cut

    def altered(self):
        if self.is_on:
            raise RuntimeError("a bug in the tube's own step")
        cut(self)

    Beam._cut = altered


def disk_full_in_the_beam():
    import pytest

    from tests.storage.broken_disk import Disk

    runs = Path(sys.argv[sys.argv.index("--out") + 1]).absolute()
    disk = Disk(runs, pytest.MonkeyPatch())
    _after_lit_rows(lambda _procedure: disk.fill(0))


def date_set_in_the_beam():
    utc, changed_s = RealClock.utc, [0.0]
    RealClock.utc = lambda self: utc(self) + changed_s[0]

    def act(_procedure):
        changed_s[0] = 3600.0

    _after_lit_rows(act)


def little_on_time():
    """Arm for a tenth of the time that is planned."""
    arming.MORE_TIME, arming.MORE_S = 0.1, 0.0


def hurried():
    """Heat the stage, and do not wait until it is stable."""

    def altered(self, target_k):
        self._heated = True
        self._require_controller().start_ramp(target_k, 60.0)

    stage.Stage.go_to = altered


def limit_passed_in_the_beam():
    hurried()

    def act(_procedure):
        stage.OVERSHOOT_K = -100.0

    _after_lit_rows(act)


ALTERATIONS = {
    each.__name__: each
    for each in (
        bug_in_execute,
        bug_in_startup,
        broken_ramp,
        broken_beam_off,
        disk_full_in_the_beam,
        date_set_in_the_beam,
        little_on_time,
        hurried,
        limit_passed_in_the_beam,
    )
}

if __name__ == "__main__":
    ALTERATIONS[sys.argv.pop(1)]()
    main()
