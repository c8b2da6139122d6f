"""A run that measures nothing: biases the source, warms the stage, and keeps the beam on until it is killed."""

import sys
import tomllib
from pathlib import Path

from instruments.emergency.lines import Wiring, open_line
from tests.faults.bench import ARMED, BEAM, setup_of
from xraydaq.clock import RealClock
from xraydaq.guardian.client import RemoteGuard
from xraydaq.safety.locks import held

BIASED = b":SOUR:FUNC VOLT;:SOUR:VOLT 5;:OUTP ON\n"
HEATED = b"RANGE 1,2\n"


def main(written, folder):
    roles = tomllib.loads(Path(written).read_text())["roles"]
    clock = RealClock()
    guard = RemoteGuard(setup_of(roles, Path(folder)), clock)
    smu, temperature = roles["smu"]["resource"], roles["temperature"]["resource"]
    with held(smu), held(temperature):
        source = open_line(smu, Wiring(9600))
        source.write(BIASED)
        stage = open_line(temperature, Wiring(57600))
        stage.write(HEATED)
        guard.arm(ARMED)
        guard.on(*BEAM)
        print("on", flush=True)
        while True:
            clock.sleep(0.3)
            guard.look()


if __name__ == "__main__":
    main(*sys.argv[1:])
