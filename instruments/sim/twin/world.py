"""Everything on the bench that is not an instrument, coupled: tube head, filters, air, crystal, temperature.

Instruments catch up with time lazily, each when it is asked. Whoever moves something here says when it did, and who
looks at a window sees each change at its own moment, however late the question is. Before the crystal or the chamber
is looked at, `catch_up` lets the others do what they would have done by then.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from instruments.sim.twin.beam import TABLE_DISTANCE_M, BeamTable
from instruments.sim.twin.crystal import RESOLUTION_S, Crystal
from instruments.sim.twin.devices import Device, device_of
from instruments.sim.twin.electrodes import INTERDIGITATED, with_electrodes
from instruments.sim.twin.exposure import OUTPUT_FACTOR, RIPPLE, Exposure
from instruments.sim.twin.photocurrent import DELAY_S, PARTIAL_SHARE, SPOT_M2, Generation, Photocurrent
from instruments.sim.twin.terminals import Socket, Terminals
from instruments.sim.twin.timeline import Steps

CHAMBER_FIELDS = {"covered": 1.0, "partial": PARTIAL_SHARE}
"""Share of the chamber's volume that is irradiated. ``partial``: the sensitivity looks the same, but is unity gain."""
NOTHING = "none"
WIRINGS = ("smu", "preamplifier", NOTHING)
"""What the crystal is plugged into; the others see an open input."""
TEMPERATURE_PERIOD_S = 1.0
TEMPERATURE_STEP_K = 1e-3
"""Smaller changes of the temperature are left until they have added up."""
KEPT_S = 7200.0
"""Changes stay at least this long, for an instrument that nobody asked for a while."""


class Thermometer(Protocol):
    """The stage, which knows the crystal's temperature."""

    def crystal_k(self, time_s: float) -> float:
        """Get the temperature at a moment."""


class World:
    """The truth. Times are seconds of the bench's clock and may not lie before what was already looked at."""

    def __init__(
        self, *, seed: int, device: Device | str = "atomistic", temperature_k: float = 298.15,
        conduction: str = "parallel", noise: str = "psd", spectral: str = "flat", dose_nonlinearity: str = "mild",
        chamber_field: str = "covered", wiring: str = "smu", total_al_m: float = 1e-3,
        distance_m: float = TABLE_DISTANCE_M, delay_s: float = DELAY_S, ripple: float = RIPPLE,
        thermometer: Thermometer | None = None, electrodes: str = INTERDIGITATED, trap_spread: float | None = None,
        sensitivity_drift_per_h: float = 0.0, start_s: float = 0.0, spot_factor: float = 1.0,
        output_factor: float = OUTPUT_FACTOR,
    ) -> None:  # fmt: skip
        for name, value, allowed in (("chamber_field", chamber_field, CHAMBER_FIELDS), ("wiring", wiring, WIRINGS)):
            if value not in allowed:
                raise ValueError(f"{name} {value!r} is unknown; allowed are {', '.join(allowed)}")
        table = BeamTable()
        self.exposure = Exposure(
            table, seed=seed, total_al_m=total_al_m, distance_m=distance_m, ripple=ripple, output_factor=output_factor
        )
        ours = device_of(device)
        ours = ours if trap_spread is None else replace(ours, trap_spread=trap_spread)
        ours = with_electrodes(ours, electrodes)
        self._generation = Generation(
            ours, table, spectral, dose_nonlinearity, CHAMBER_FIELDS[chamber_field], SPOT_M2 * spot_factor
        )
        self._photocurrent = Photocurrent(self.exposure, self._generation, delay_s=delay_s)
        self.crystal = Crystal(
            ours, seed=seed, temperature_k=temperature_k, conduction=conduction, noise=noise,
            photocurrent=self._photocurrent, sensitivity_drift_per_h=sensitivity_drift_per_h, drift_from_s=start_s,
        )  # fmt: skip
        self.thermometer = thermometer
        self._temperature_k = Steps("temperature", temperature_k)
        self._terminals = Terminals(self.crystal, self)
        self._wiring = Steps("wiring", wiring)
        self._sockets = {name: Socket(name, self._terminals, self._wiring) for name in WIRINGS if name != NOTHING}
        self._switches = {"chamber_field": chamber_field, "delay_s": delay_s, "ripple": ripple}
        self._advances: list[Callable[[float], None]] = []
        self._is_catching_up = False
        self._caught_up_s = self._chamber_s = -math.inf
        self._accounted_s, self._dose_gy = math.inf, 0.0
        self._changed_s = -math.inf

    # what instruments hold ----------------------------------------------------------------------------------------
    @property
    def crystal_load(self) -> Socket:
        """Get what is between the terminals of the source-measure unit."""
        return self._sockets["smu"]

    @property
    def preamplifier_source(self) -> Socket:
        """Get what is at the input of the preamplifier."""
        return self._sockets["preamplifier"]

    @property
    def chamber_share(self) -> float:
        """Get the share of the chamber's volume that is in the beam: the chamber shows so much of the true rate."""
        return self._generation.chamber_share

    def kerma_rate_gy_s(self, start_s: float, end_s: float) -> float:
        """Get the true mean air kerma rate of a window in the beam, where the crystal or the chamber is."""
        if not RESOLUTION_S <= end_s - start_s < math.inf:
            raise ValueError(f"window from {start_s} s to {end_s} s is shorter than 1 ns or endless")
        self.catch_up(end_s)
        self._chamber_s = max(self._chamber_s, end_s)
        return self.exposure.mean_kerma_gy_s(start_s, end_s)

    def register(self, advance: Callable[[float], None]) -> None:
        """Have an instrument that moves something here brought up to the moment of each look at the world."""
        self._advances.append(advance)

    def catch_up(self, time_s: float) -> None:
        """Let everything happen that would have happened by now; a call from within does nothing."""
        if self._is_catching_up or not time_s > self._caught_up_s:
            return
        if not self._advances and self.thermometer is None:
            self._caught_up_s = time_s
            return
        self._is_catching_up = True
        try:
            for moment_s in self._moments(time_s):
                for advance in self._advances:
                    advance(moment_s)
                if self.thermometer is not None:
                    self._sample(moment_s, self.thermometer.crystal_k(moment_s))
                self._caught_up_s = moment_s
        finally:
            self._is_catching_up = False

    # what moves the world -----------------------------------------------------------------------------------------
    def set_beam(self, time_s: float, kv: float, ua: float) -> None:
        """Change the true output of the tube: voltage in kilovolts, current in microamperes."""
        self._change(time_s)
        self.exposure.set_tube(time_s, kv, ua * 1e-6)

    def set_filter(self, time_s: float, total_al_m: float) -> None:
        """Change the total aluminium in the beam, fixed filter included."""
        self._change(time_s)
        self.exposure.set_filter(time_s, total_al_m)

    def set_temperature(self, time_s: float, temperature_k: float) -> None:
        """Change the crystal's temperature."""
        _refuse_the_past(time_s, "crystal", self.crystal.now_s)
        if not 100 <= temperature_k <= 400:
            raise ValueError(f"crystal temperature {temperature_k} K is outside 100 K to 400 K")
        self._temperature_k.step(time_s, temperature_k)

    def connect_crystal(self, time_s: float, wiring: str) -> None:
        """Plug the crystal into an instrument, or into none: it then has the voltage of that input, or 0 V.

        Whoever samples must have sampled up to this moment.
        """
        if wiring not in WIRINGS:
            raise ValueError(f"wiring {wiring!r} is unknown; allowed are {', '.join(WIRINGS)}")
        self.catch_up(time_s)
        self._change(time_s)
        self._wiring.step(time_s, wiring)
        self._terminals.set_bias(time_s, 0.0 if wiring == NOTHING else self._sockets[wiring].bias_v)

    # faults -------------------------------------------------------------------------------------------------------
    def block_beam(self, time_s: float, is_blocked: bool = True) -> None:
        """Beam without dose: something opaque is in the way of crystal and chamber."""
        self._change(time_s)
        self.exposure.set_blocked(time_s, is_blocked)

    def add_stray_kerma(self, time_s: float, stray_gy_s: float) -> None:
        """Dose without beam: radiation whatever the tube says; 0 ends it."""
        self._change(time_s)
        self.exposure.set_stray(time_s, stray_gy_s)

    def set_leak(self, time_s: float, leak_s: float) -> None:
        """Put a conductance across the crystal; 0 takes it away."""
        self._change(time_s)
        self._terminals.leak_s.step(time_s, leak_s)

    def set_offset_current(self, time_s: float, offset_a: float) -> None:
        """Let a current of any origin flow into whatever the crystal is wired to."""
        self._change(time_s)
        self._terminals.offset_a.step(time_s, offset_a)

    # for the record -----------------------------------------------------------------------------------------------
    def truth(self) -> dict[str, object]:
        """Get what is true, for the record of a run: numbers and words only, units in the names."""
        now_s = max(self._caught_up_s, self._changed_s, self.crystal.now_s)
        since_s, tube = self.exposure.tube.at(now_s)
        generation = self._generation
        return {
            "crystal": self.crystal.truth(),
            "beam_on_s": self.exposure.beam_on_s + (now_s - since_s if tube.is_on else 0.0),
            "dose_gy": self._dose_gy + self._dose_until_gy(now_s),
            "total_al_m": self.exposure.total_al_m.last,
            "distance_m": self.exposure.distance_m,
            "output_factor": self.exposure.output_factor,
            "spectral": generation.spectral,
            "dose_nonlinearity": generation.dose_nonlinearity,
            "chamber_share": self.chamber_share,
            "spot_m2": generation.spot_m2,
            "wiring": self._wiring.last,
            **self._switches,
        }

    # the surroundings of the terminals ----------------------------------------------------------------------------
    def follow(self, time_s: float) -> None:
        """Take the crystal through its temperatures up to a moment."""
        if self._temperature_k.last_s <= self.crystal.now_s and self._temperature_k.last == self.crystal.temperature_k:
            return
        for moment_s in self._temperature_k.between(self.crystal.now_s, time_s):
            self.crystal.set_temperature(moment_s, self._temperature_k.at(moment_s)[1])
        temperature_k = self._temperature_k.at(time_s + RESOLUTION_S)[1]
        if temperature_k != self.crystal.temperature_k:
            self.crystal.set_temperature(time_s, temperature_k)
        self._temperature_k.forget(self.crystal.now_s)

    def steady_until_s(self, start_s: float, end_s: float) -> float:
        """Get the moment from which on the temperature is another one, `end_s` if there is none before."""
        return min(self._temperature_k.between(start_s + RESOLUTION_S, end_s), default=end_s)

    def _change(self, time_s: float) -> None:
        """Refuse a change of what was already looked at; forget what nobody will look at.

        Others are not brought up to this moment: the caller may be one of them, in the middle of its own past.
        """
        _refuse_the_past(time_s, "crystal", self.crystal.now_s)
        _refuse_the_past(time_s, "chamber", self._chamber_s)
        self._accounted_s = min(self._accounted_s, time_s)  # without radiation before the first change
        self._changed_s = max(self._changed_s, time_s)
        looking_s = [time_s - KEPT_S, self.crystal.now_s - self._photocurrent.memory_s, self._chamber_s]
        old_s = min(each for each in looking_s if each > -math.inf)
        if old_s > self._accounted_s:
            self._dose_gy += self._dose_until_gy(old_s)
            self._accounted_s = old_s
            self.exposure.forget(old_s)

    def _dose_until_gy(self, time_s: float) -> float:
        """Get the air kerma from the moment up to which it has been counted."""
        if not time_s > self._accounted_s:
            return 0.0
        return sum(each.dose_gy for each in self.exposure.segments(self._accounted_s, time_s))

    def _moments(self, time_s: float) -> list[float]:
        if self.thermometer is None or self._caught_up_s == -math.inf:
            return [time_s]
        steps = math.ceil((time_s - self._caught_up_s) / TEMPERATURE_PERIOD_S)
        step_s = (time_s - self._caught_up_s) / steps
        return [self._caught_up_s + step_s * index for index in range(1, steps)] + [time_s]

    def _sample(self, time_s: float, temperature_k: float) -> None:
        if abs(temperature_k - self._temperature_k.last) >= TEMPERATURE_STEP_K:
            self._temperature_k.step(time_s, temperature_k)


def _refuse_the_past(time_s: float, what: str, seen_s: float) -> None:
    if not seen_s - RESOLUTION_S <= time_s < math.inf:
        raise ValueError(f"a change at {time_s} s lies in the past of the {what}, which is at {seen_s} s")
