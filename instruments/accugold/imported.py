"""Dose readings out of the log that a person exports after each measurement. NOT VERIFIED ON HARDWARE."""

from collections import Counter

from instruments.accugold.air import Air
from instruments.accugold.conditions import Conditions
from instruments.accugold.dosimeter import Chamber, DoseReading, DosimeterIdentity, RawDose, assess
from instruments.accugold.export import ExportLog, Row
from xraydaq.clock import Clock
from xraydaq.errors import InstrumentTimeout, LimitError, Refused

LOOK_S = 1.0


class ImportedDosimeter:
    """A dosimeter behind a watched folder; one export per measurement.

    `corrected` and `reference` as for the operator's entry; None is refused at the reading, as nobody can be asked.
    """

    def __init__(
        self, log: ExportLog, *, clock: Clock, chamber: Chamber, corrected: bool | None, reference: Air | None = None,
        patience_s: float = 600.0, name: str = "Accu-Gold+ (exported log)",
    ) -> None:  # fmt: skip
        if not 0 < patience_s < float("inf"):
            raise LimitError(f"{name}: waiting {patience_s} s for an export; allowed: above 0 s")
        self.name = name
        self.chamber = chamber
        self._log = log
        self._clock = clock
        self._corrected = corrected
        self._reference = reference
        self._patience_s = patience_s
        self._conditions = Conditions(clock)
        self._label: str | None = None
        self._known: Counter[Row] = Counter()

    def identify(self) -> DosimeterIdentity:
        """Get the identity as the bench file tells it."""
        chamber = self.chamber
        return DosimeterIdentity("Radcal", chamber.digitizer, chamber.digitizer_serial, "", "imported", chamber)

    def settings(self) -> dict[str, str]:
        """Get what the readings depend on."""
        return {"corrected": str(self._corrected), "reference": str(self._reference), "air": str(self._conditions.air)}

    def zero(self) -> None:
        """Refuse: nobody can be asked here whether it was done.

        Raises:
            Refused: always; run it in the dosimeter's program and call `zeroed`.
        """
        raise Refused(f"{self.name}: run the background correction in the dosimeter's program, then confirm it")

    def zeroed(self) -> None:
        """Remember that somebody has just run the background correction."""
        self._conditions.zeroed()

    def set_air(self, air: Air) -> None:
        """Remember the air for an hour; columns of the log, if there are any, go before it."""
        self._conditions.set_air(air)

    def start(self, label: str) -> None:
        """Begin a measurement: what is in the log by now is not of it."""
        self._known = self._log.settle()
        self._label = label

    def read(self) -> DoseReading:
        """Wait for the export, and get its one new row.

        Raises:
            InstrumentTimeout: nothing new came within `patience_s`.
            Refused: no measurement was begun, more than one row is new, or the correction is not known.
        """
        if self._label is None:
            raise Refused(f"{self.name}: start() first; which row is new is not known")
        row = self._wait_for_row()
        raw = self._log.dose_of(row)
        self._known[row] += 1
        air = self._conditions.air if raw.air is None else raw.air
        raw = RawDose(raw.dose_gy, raw.rate_gy_s, raw.time_s, air, self._conditions.flags(air), raw.original)
        return assess(
            raw, corrected=self._corrected, reference=self._reference, name=self.name, source="imported",
            label=self._label, chamber=self.chamber, read_s=self._clock.now(),
        )  # fmt: skip

    def stop(self) -> None:
        """End the measurement here."""
        self._label = None

    def safe_off(self) -> None:
        """End the measurement."""
        self.stop()

    def shutdown(self) -> None:
        """End the measurement."""
        self.stop()

    def close(self) -> None:
        """Nothing is open."""

    def _wait_for_row(self) -> Row:
        deadline_s = self._clock.now() + self._patience_s
        while True:
            row = one_new(self._log.rows(), self._known, self.name)
            if row is not None:
                return row
            if self._clock.now() >= deadline_s:
                raise InstrumentTimeout(f"{self.name}: no export of {self._label} within {self._patience_s:g} s")
            self._clock.sleep(LOOK_S)


def one_new(rows: Counter[Row], known: Counter[Row], name: str) -> Row | None:
    """Get the one row that is new, None if there is none.

    Raises:
        Refused: there are several, and which one is meant is not known.
    """
    new = rows - known
    if new.total() > 1:
        raise Refused(f"{name}: {new.total()} new rows in the exported log; export after each measurement")
    return next(iter(new), None)
