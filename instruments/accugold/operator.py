"""Dose readings that a person reads off the instrument's own program and types. NOT VERIFIED ON HARDWARE.

This is how published work with the Accu-Gold+ was done: its host protocol is not public.
"""

import logging
import math
from collections.abc import Callable
from typing import TypeVar

from instruments.accugold.air import Air
from instruments.accugold.conditions import Conditions
from instruments.accugold.dosimeter import Chamber, DoseReading, DosimeterIdentity, RawDose, assess
from instruments.accugold.entry import is_rate, parse_air, parse_dose, parse_rate
from instruments.wire.accugold import DoseFlag
from xraydaq.clock import Clock
from xraydaq.errors import InstrumentError, LimitError, Refused, UnitError
from xraydaq.units import parse_quantity

log = logging.getLogger(__name__)

T = TypeVar("T")

TRIES = 10
WORDS = {"over": DoseFlag.OVER_RATE, "below": DoseFlag.BELOW_RANGE}
"""What a person may type instead of a number."""


class OperatorDosimeter:
    """A dosimeter behind a person. `ask` shows a text and returns the line that was typed.

    `corrected` says whether the instrument's program includes the air density correction; None asks at each reading.
    `reference` are the reference conditions of the chamber's certificate, needed if it does not.
    """

    def __init__(
        self, ask: Callable[[str], str], *, clock: Clock, chamber: Chamber, corrected: bool | None,
        reference: Air | None = None, name: str = "Accu-Gold+ (operator)",
    ) -> None:  # fmt: skip
        self.name = name
        self.chamber = chamber
        self._typed = ask
        self._clock = clock
        self._corrected = corrected
        self._reference = reference
        self._conditions = Conditions(clock)
        self._label: str | None = None

    def identify(self) -> DosimeterIdentity:
        """Get the identity as the bench file tells it; nobody is asked."""
        chamber = self.chamber
        return DosimeterIdentity("Radcal", chamber.digitizer, chamber.digitizer_serial, "", "operator", chamber)

    def settings(self) -> dict[str, str]:
        """Get what the readings depend on."""
        return {"corrected": str(self._corrected), "reference": str(self._reference), "air": str(self._conditions.air)}

    def zero(self) -> None:
        """Have the operator run the background correction."""
        self._ask("Beam off? Run the background correction in the dosimeter's program, then type done: ", _done)
        self._conditions.zeroed()

    def set_air(self, air: Air) -> None:
        """Remember the air, so that it need not be typed for an hour."""
        self._conditions.set_air(air)

    def start(self, label: str) -> None:
        """Begin a measurement: the operator clears the display and starts."""
        self._ask(f"Reset the dosimeter and start it for {label}, then type done: ", _done)
        self._label = label

    def read(self) -> DoseReading:
        """Ask for dose or rate, exposure time, and the air if it is not known.

        Raises:
            Refused: no measurement was begun, or nobody knows about the air density correction.
            InstrumentError: ten answers in a row that are none.
        """
        if self._label is None:
            raise Refused(f"{self.name}: start() first; what would be read is not known")
        dose_gy, rate_gy_s, flags, text = self._ask(
            f"Dose or dose rate shown for {self._label} (for example 1.05 uGy or 120 mR/min; over; below): ", _shown
        )
        time_s = self._ask("Exposure time (for example 60 s): ", _duration)
        air = self._ask_air()
        corrected = self._corrected
        if corrected is None:
            corrected = self._ask("Is the air density correction in this value (yes, no, unknown): ", _yes_no_unknown)
        raw = RawDose(dose_gy, rate_gy_s, time_s, air, flags | self._conditions.flags(air), text)
        return assess(
            raw, corrected=corrected, reference=self._reference, name=self.name, source="operator", label=self._label,
            chamber=self.chamber, read_s=self._clock.now(),
        )  # fmt: skip

    def stop(self) -> None:
        """End the measurement here; the operator is not asked."""
        self._label = None

    def safe_off(self) -> None:
        """End the measurement."""
        self.stop()

    def shutdown(self) -> None:
        """End the measurement."""
        self.stop()

    def close(self) -> None:
        """Nothing is open."""

    def _ask_air(self) -> Air:
        known = self._conditions.air
        if known is not None:
            return known
        air = self._ask("Air temperature and pressure (for example 22.1 degC, 99.58 kPa): ", _air)
        self._conditions.set_air(air)
        return air

    def _ask(self, prompt: str, parse: Callable[[str], T]) -> T:
        """Ask until the answer is one; each wrong one is told in one sentence."""
        shown = prompt
        for _ in range(TRIES):
            try:
                return parse(self._typed(shown).strip())
            except (UnitError, LimitError) as error:
                log.warning("%s: %s", self.name, error)
                shown = f"{error}\n{prompt}"
        raise InstrumentError(f"{self.name}: {TRIES} answers and none to {prompt!r}")


def _done(text: str) -> None:
    if text.casefold() != "done":
        raise UnitError(f'"{text}" is no answer; type done')


def _shown(text: str) -> tuple[float, float, DoseFlag, str]:
    if flag := WORDS.get(text.casefold()):
        return math.nan, math.nan, flag, text
    if is_rate(text):
        return math.nan, parse_rate(text), DoseFlag(0), text
    return parse_dose(text), math.nan, DoseFlag(0), text


def _duration(text: str) -> float:
    time_s = parse_quantity(text, "s")
    if not time_s > 0:
        raise UnitError(f'"{text}" is no exposure time; allowed: above 0 s')
    return time_s


def _air(text: str) -> Air:
    temperature, comma, pressure = text.partition(",")
    if not comma:
        raise UnitError(f'"{text}" is no temperature and pressure; write for example "22.1 degC, 99.58 kPa"')
    return parse_air(temperature.strip(), pressure.strip())


def _yes_no_unknown(text: str) -> bool | None:
    answers = {"yes": True, "no": False, "unknown": None}
    if text.casefold() not in answers:
        raise UnitError(f'"{text}" is no answer; type yes, no or unknown')
    return answers[text.casefold()]
