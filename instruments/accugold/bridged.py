"""Dose readings from a bridge program that runs beside the dosimeter's own. NOT VERIFIED ON HARDWARE.

The line protocol is this program's (docs/reference/accugold.md), not the maker's.
"""

import logging
import math
from collections.abc import Mapping
from datetime import date

from pymeasure.adapters.adapter import Adapter

from instruments.accugold.air import Air
from instruments.accugold.client import BridgeClient, BridgeRefusal
from instruments.accugold.conditions import Conditions
from instruments.accugold.dosimeter import Chamber, DoseReading, DosimeterIdentity, RawDose, assess
from instruments.connect import Line
from instruments.wire import accugold as wire
from xraydaq.clock import Clock
from xraydaq.errors import InstrumentError, InstrumentTimeout, LimitError, Refused, WireError, XraydaqError

log = logging.getLogger(__name__)

LINE = Line(baud=115200, serial_end="\n", serial_reply_end="\n")
PROTOCOL = "1"
ZERO_SLACK_S = 30.0
LONGEST_ZERO_S = 600.0
SAME_T_K, SAME_P_PA = 0.05, 10.0
"""Reference conditions closer than this are the same."""

LOOK_S = 1.0
PERIOD_LIMITS_S = (0.1, 60.0)
MODES = ("rate", "dose", "auto")


class BridgeDosimeter:
    """A dosimeter behind a bridge. Construction sends nothing.

    `reference` are the reference conditions of the chamber's certificate; they are needed if neither the instrument
    nor the bridge applies the air density correction.
    """

    def __init__(
        self, adapter: Adapter, *, clock: Clock, reference: Air | None = None, patience_s: float = 600.0,
        name: str = "Accu-Gold+ (bridge)",
    ) -> None:  # fmt: skip
        if not 0 < patience_s < math.inf:
            raise LimitError(f"{name}: waiting {patience_s} s for a reading; allowed: above 0 s")
        self.name = name
        self._client = BridgeClient(adapter, clock, name)
        self._clock = clock
        self._reference = reference
        self._patience_s = patience_s
        self._identity: DosimeterIdentity | None = None
        self._corrects: bool | None = None
        self._conditions = Conditions(clock)
        self._zeroed_by_hand = False
        self._label: str | None = None

    @property
    def retries(self) -> int:
        """Get how many requests were sent twice so far."""
        return self._client.retries

    def identify(self) -> DosimeterIdentity:
        """Get what the bridge says of itself and of the instrument behind it.

        Raises:
            InstrumentError: no bridge, or one that speaks another version.
        """
        found = self._client.ask("HELLO?")
        if found.get("proto") != PROTOCOL:
            raise InstrumentError(f"{self.name}: the bridge speaks version {found.get('proto')!r}, not {PROTOCOL!r}")
        chamber = Chamber(
            found.get("dig", ""), found.get("dig_sn", ""), found.get("chamber", ""), found.get("ch_sn", ""),
            _date(found.get("cal")),
        )  # fmt: skip
        firmware = f"bridge to {found.get('backend', 'unknown')}"
        self._identity = DosimeterIdentity(
            "Radcal", chamber.digitizer, chamber.digitizer_serial, firmware, "bridge", chamber
        )
        return self._identity

    def configure(self, *, mode: str = "rate", period_s: float = 0.5) -> None:
        """Set how the instrument measures, and see that the bridge accepted it.

        Raises:
            LimitError: no such mode or period.
            InstrumentError: the bridge took something else.
        """
        least_s, most_s = PERIOD_LIMITS_S
        if mode not in MODES or not least_s <= period_s <= most_s:
            raise LimitError(
                f"{self.name}: mode {mode!r}, {period_s} s; allowed: {', '.join(MODES)}; {least_s} to {most_s} s"
            )
        taken = self._client.ask("CONF", {"mode": mode, "period_ms": str(round(period_s * 1000))})
        # a backend may raise the period to the shortest it can
        if taken.get("mode") != mode or not wire.parse_number(taken.get("period_ms", "")) >= round(period_s * 1000):
            raise InstrumentError(f"{self.name}: mode {mode}, period {period_s} s did not take: {dict(taken)}")

    def settings(self) -> dict[str, str]:
        """Get the settings as the bridge spells them; what it does not have is left out."""
        found: dict[str, str] = {}
        for verb in ("HELLO?", "CAPS?", "CONF?", "ENV?", "STATUS?"):
            try:
                found.update({f"{verb} {key}": value for key, value in self._client.ask(verb).items()})
            except BridgeRefusal as error:
                log.info("%s", error)
        return found

    def zero(self) -> None:
        """Have the background corrected, the beam being off, and wait until it is done.

        Raises:
            Refused: this bridge cannot.
            InstrumentError: it failed, did not end, or would take longer than 600 s.
        """
        self._client.forget_events()
        eta_s = wire.parse_number(self._client.ask("ZERO").get("eta_s", "30"))
        if not 0 <= eta_s <= LONGEST_ZERO_S:
            raise InstrumentError(
                f"{self.name}: the background correction would take {eta_s:g} s; allowed: 0 to 600 s"
            )
        event = self._client.wait_event("ZERO", eta_s + ZERO_SLACK_S)
        if event.values.get("state") != "done":
            raise InstrumentError(f"{self.name}: the background correction failed: {dict(event.values)}")

    def zeroed(self) -> None:
        """Remember that somebody has just run the background correction, for a bridge that cannot."""
        self._conditions.zeroed()

    def set_air(self, air: Air) -> None:
        """Tell the bridge the air; one that does not apply it leaves that to this program.

        Raises:
            InstrumentError: the bridge says that it refers to other conditions than this program.
        """
        taken: Mapping[str, str] = {}
        try:
            taken = self._client.ask(
                "ENV", {"t_C": f"{air.temperature_k - 273.15:.2f}", "p_kPa": f"{air.pressure_pa / 1000:.3f}"}
            )
        except BridgeRefusal as error:
            if error.code != wire.NOT_SUPPORTED:
                raise
        self._check_reference(taken)
        self._conditions.set_air(air)

    def start(self, label: str) -> None:
        """Begin a measurement with the counters at zero."""
        if self._identity is None:
            self.identify()
        able = self._client.ask("CAPS?")
        self._corrects = {"0": False, "1": True}.get(able.get("corrected", ""))
        self._zeroed_by_hand = able.get("zero") == "0"
        self.stop()
        self._client.ask("RESET")
        self._label = label  # before START: whatever comes of it, stop() must be tried
        self._ask_patiently("START")

    def rate_gy_s(self) -> float:
        """Get the rate as the bridge shows it, whatever is known of the air: to see whether there is a dose at all.

        nan: over rate, unknown and high; or this bridge has no rate.

        Raises:
            InstrumentError: a failure, or the bridge shows an old value.
        """
        return self._live(self._client.ask("READ?")).rate_gy_s

    def read(self) -> DoseReading:
        """Get the measurement so far; a bridge that waits for an export is waited for.

        Raises:
            InstrumentTimeout: no answer, or none but "busy" within `patience_s`.
            InstrumentError: a failure, or the bridge shows an old value. None is ever given for a new one.
            Refused: no measurement was begun, or whether the value is corrected is unknown or contradictory.
        """
        if self._label is None or self._identity is None:
            raise Refused(f"{self.name}: start() first; what would be read is not known")
        values = self._ask_patiently("READ?")
        found = self._live(values)
        corrected = found.k_applied
        if self._corrects and corrected is False:
            raise Refused(f"{self.name}: the bridge says that values are corrected, and that this one is not")
        air = self._air_of(found)
        flags = found.flags | (self._conditions.flags(air) if self._zeroed_by_hand else wire.DoseFlag(0))
        raw = RawDose(
            found.dose_gy, found.rate_gy_s, found.time_s, air, flags,
            ",".join(f"{key}={value}" for key, value in values.items()),
        )  # fmt: skip
        return assess(
            raw, corrected=corrected, reference=self._reference, name=self.name, source="bridge", label=self._label,
            chamber=self._identity.chamber, read_s=self._clock.now(),
        )  # fmt: skip

    def stop(self) -> None:
        """End the measurement; harmless without one."""
        if self._label is not None:
            self.safe_off()

    def safe_off(self) -> None:
        """End the measurement, whether one is known here or not.

        Raises:
            InstrumentError: the bridge does not answer, reports a failure, or does not stop.
        """
        try:
            self._client.ask("STOP")
        except BridgeRefusal as error:
            if error.code not in (wire.NOT_NOW, wire.NOT_SUPPORTED):
                raise InstrumentError(f"{self.name}: the measurement was not shown to be ended: {error}") from error
            log.info("%s", error)  # nothing was running
        self._label = None

    def shutdown(self) -> None:
        """End the measurement as far as possible. Never raises."""
        try:
            self.safe_off()
        except XraydaqError as error:
            log.error("%s", error)

    def close(self) -> None:
        """Close the connection; a second call does nothing."""
        self._client.close()

    def _ask_patiently(self, verb: str) -> dict[str, str]:
        deadline_s = self._clock.now() + self._patience_s
        while True:
            try:
                return dict(self._client.ask(verb))
            except BridgeRefusal as error:
                if error.code != wire.BUSY:
                    raise
                if self._clock.now() >= deadline_s:
                    raise InstrumentTimeout(f"{self.name}: busy at {verb} for {self._patience_s:g} s") from error
            self._clock.sleep(LOOK_S)

    def _live(self, values: Mapping[str, str]) -> wire.Measured:
        found = wire.parse_measured(values)
        if wire.DoseFlag.LINK_LOST in found.flags:
            raise InstrumentError(f"{self.name}: the bridge lost the digitizer and shows an old value")
        return found

    def _check_reference(self, taken: Mapping[str, str]) -> None:
        if self._reference is None:
            return
        t_ref_k, p_ref_pa = self._reference.temperature_k, self._reference.pressure_pa
        is_same = True
        if "t_ref_C" in taken:
            is_same = abs(wire.parse_number(taken["t_ref_C"]) + 273.15 - t_ref_k) <= SAME_T_K
        if "p_ref_kPa" in taken:
            is_same = is_same and abs(wire.parse_number(taken["p_ref_kPa"]) * 1000 - p_ref_pa) <= SAME_P_PA
        if not is_same:
            raise InstrumentError(
                f"{self.name}: it refers to {taken.get('t_ref_C', '?')} degC, {taken.get('p_ref_kPa', '?')} kPa, "
                f"the certificate to {t_ref_k - 273.15:g} degC, {p_ref_pa / 1000:g} kPa"
            )

    def _air_of(self, found: wire.Measured) -> Air | None:
        if math.isnan(found.temperature_k) or math.isnan(found.pressure_pa):
            return self._conditions.air
        return Air(found.temperature_k, found.pressure_pa)


def _date(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise WireError("not a date", text.encode()) from None
