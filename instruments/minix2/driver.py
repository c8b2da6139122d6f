"""Driver of the Amptek Mini-X2 X-ray tube controller. NEVER VERIFIED ON HARDWARE.

PG is the Amptek Digital Products Programmer's Guide, Rev B3. Setting values IS switching on: the device has no second
step. Software is no interlock.
"""

import logging
import math
from dataclasses import asdict, replace

from pymeasure.adapters.adapter import Adapter

from instruments.connect import Line
from instruments.minix2.limits import Limits, check_beam, check_steps, set_command, stages
from instruments.minix2.link import PACKET_GAP_S, Link
from instruments.minix2.ready import check_read_back, check_ready
from instruments.minix2.warm_up import StartedWarmUp, WarmUpProgress, due, latest_on_utc_s
from instruments.minix2.watch import Watch
from instruments.wire.minix2 import (
    FaultRecord,
    Identity,
    SetPoints,
    TimestampRecord,
    TubeStatus,
    TubeTable,
    WarmUpKind,
    WarmUpTable,
    encode_timestamp,
    parse_fault_record,
    parse_identity,
    parse_read_back,
    parse_set_points,
    parse_status,
    parse_timestamp,
    parse_tube_table,
    parse_warm_up_table,
    requests,
    text,
)
from xraydaq.clock import Clock
from xraydaq.errors import InstrumentError, LimitError, Refused, XraydaqError
from xraydaq.safety.guard_rules import DARK_WITHIN_S

log = logging.getLogger(__name__)

LINE = Line(baud=115200, serial_end="", serial_reply_end="", bus_end="")
"""The same packets on USB and RS-232 (115200 baud, 8N1, no handshake: PG); they carry their own length."""

TIMEOUT_S = 1.0  # PG, reply timeout of the vendor's demonstration; after a set the device may write flash for 0.4 s
SETTLE_TIMEOUT_S = 5.0
OFF_TRIES = 3


class MiniX2:
    """Control a Mini-X2. For the owner of the tube only: nobody else may call `set_output` or `warm_up`.

    Not verified on hardware. Construction sends nothing. `safe_off` may be called from another thread at any time.
    """

    def __init__(
        self,
        adapter: Adapter,
        *,
        clock: Clock,
        max_voltage_v: float,
        max_current_a: float,
        max_power_w: float,
        settle_timeout_s: float = SETTLE_TIMEOUT_S,
        timeout_s: float = TIMEOUT_S,
        name: str = "Amptek Mini-X2",
    ) -> None:
        self._bench = Limits("the bench", max_voltage_v, max_current_a, max_power_w)
        self._bench.check_allows_something()
        if not (0 < settle_timeout_s < math.inf and 0 < timeout_s < math.inf):
            raise LimitError(f"{name}: timeouts of {settle_timeout_s} s and {timeout_s} s; allowed: above 0 s")
        self.name = name
        self._clock = clock
        self._link = Link(adapter, clock, name, timeout_s)
        self._watch = Watch(name, clock, self.status)
        self._settle_timeout_s = settle_timeout_s
        self._started: StartedWarmUp | None = None
        self._before_set_clock: TimestampRecord | None = None

    def identify(self) -> Identity:
        """Get the identity.

        Raises:
            InstrumentError: another instrument (detectors of the maker have the same USB identity), or none.
        """
        return replace(self._require_tube(), firmware=self.status().firmware)

    def prepare(self) -> TubeStatus:
        """Identify the device, switch the beam off if it is on, and end overrides of its own checks.

        Raises:
            InstrumentError: another instrument, not shown to be off, or an override stays.
        """
        self._require_tube()  # not `identify`: a status that cannot be read must not keep off from being written
        self.safe_off()
        if not self.status().overridden:
            return self.status()
        log.warning("%s: the checks of the device were switched off; switched on again", self.name)
        self._link.command(requests.text_request(text.CHECKS_ON))
        status = self.status()
        if status.overridden:
            raise InstrumentError(f"{self.name}: the checks of the device stay switched off")
        return status

    def status(self) -> TubeStatus:
        """Get what the device measures and says of itself."""
        return self._link.query(requests.STATUS, parse_status)

    def status_now(self) -> TubeStatus:
        """Get the same, asked for once only: for whoever must switch off rather than wait for a second try."""
        return self._link.query(requests.STATUS, parse_status, tries=1)

    def is_dark(self) -> bool:
        """Tell whether HV is disabled and both monitors are near zero."""
        return self.status().is_dark

    def tube_table(self) -> TubeTable:
        """Get the limits and scales of the tube."""
        return self._link.query(requests.TUBE_TABLE, parse_tube_table)

    def warm_up_table(self) -> WarmUpTable:
        """Get the steps of both warm-ups."""
        return self._link.query(requests.WARM_UP_TABLE, parse_warm_up_table)

    def timestamp_record(self) -> TimestampRecord:
        """Get the date that was written last and when the tube was last on."""
        return self._link.query(requests.TIMESTAMP, parse_timestamp)

    def fault_record(self) -> FaultRecord:
        """Get what the device kept of its last fault."""
        return self._link.query(requests.FAULT_RECORD, parse_fault_record)

    def set_points(self) -> SetPoints:
        """Get what the tube is told to do, read back from the device."""
        return self._link.query(requests.READ_BACK, parse_set_points, text.ASK_SET_POINTS.encode())

    def settings(self) -> dict[str, str]:
        """Get what a run records: tube, limits, warm-up times, set-points and overrides. Changes nothing."""
        status, table = self.status(), self.warm_up_table()
        found = {f"tube.{key}": str(value) for key, value in asdict(self.tube_table()).items()}
        read_back = self._link.query(requests.READ_BACK, parse_read_back, text.ASK_SET_POINTS.encode())
        return found | read_back | {
            "firmware": status.firmware,
            "serial": str(status.serial),
            "fault_checks_disabled": str(status.fault_checks_disabled),
            "limit_checks_disabled": str(status.limit_checks_disabled),
            "warm_up.daily_s": str(table.duration_s("daily")),
            "warm_up.monthly_s": str(table.duration_s("monthly")),
        }  # fmt: skip

    def set_output(self, voltage_v: float, current_a: float, *, settle: bool = True) -> TubeStatus:
        """Set the beam, which SWITCHES IT ON, read it back, and wait until the monitors show it.

        With `settle` false the monitors are left to the caller. Only LimitError leaves a beam that was on as it was;
        any other failure commands off.

        Raises:
            LimitError: bench or tube do not allow it; nothing was set.
            Refused: the interlock is not closed, a fault is shown, checks are overridden, a warm-up runs, or off was
                commanded meanwhile.
            InstrumentError: refused by the device, read back as something else, tripped, or not reached in time.
        """
        offs = self._link.offs
        self._bench.check(self.name, voltage_v, current_a)
        try:
            table = self.tube_table()
            check_beam(self.name, self._bench, table, voltage_v, current_a)
            check_ready(self.name, table, self.status())
            max_power_w = min(table.max_power_w, self._bench.max_power_w)
            *before, last = stages(self.set_points(), voltage_v, current_a, max_power_w)
            for stage in before:
                self._set_pair(table, *stage, offs, settle=True)
            return self._set_pair(table, *last, offs, settle=settle)
        except LimitError:
            raise
        except BaseException as error:
            self._off_after(error)
            raise

    def safe_off(self) -> None:
        """Switch the beam off and verify it; a second call is harmless.

        The off command is written before anything is asked, again if it is not acknowledged. Then the device must say
        that HV is disabled and its monitors must come near zero.

        Raises:
            InstrumentError: the beam could not be shown to be off.
        """
        self._started = None
        failure = ""
        deadline_s = self._clock.now() + DARK_WITHIN_S
        for attempt in range(OFF_TRIES):
            if attempt:
                self._clock.sleep(PACKET_GAP_S)
            if not self._off_taken() and attempt < OFF_TRIES - 1:
                continue
            try:
                self._watch.dark(deadline_s)
                return
            except InstrumentError as error:
                failure = str(error)
        raise InstrumentError(f"{self.name}: THE BEAM MAY BE ON, it could not be shown to be off: {failure}")

    off = safe_off

    def command_off(self) -> None:
        """Command off and return when the device has acknowledged it, while its high voltage still decays.

        For whoever goes on looking at `status`: until it `is_dark`, nothing shows that the beam is off.

        Raises:
            InstrumentError: it was not acknowledged, and the beam could not be shown to be off either.
        """
        self._started = None
        if not self._off_taken():
            self.safe_off()

    def write_off(self) -> None:
        """Command off once and wait for the acknowledgement, no more.

        Raises:
            InstrumentError: it was not acknowledged; whether it acted all the same is seen in the status.
        """
        self._started = None
        self._link.write_off(requests.text_request(text.OFF))

    def warm_up(self, kind: WarmUpKind) -> WarmUpProgress:
        """Start a warm-up, which SWITCHES THE BEAM ON by the steps of the table; `safe_off` ends it.

        Raises:
            LimitError: bench or tube do not allow one of its steps; nothing was started.
            Refused, InstrumentError: as `set_output`, off is commanded.
        """
        if kind not in ("daily", "monthly"):
            raise LimitError(f"{self.name}: warm-up {kind!r}; allowed: daily, monthly")
        offs = self._link.offs
        try:
            limits, table = self.tube_table(), self.warm_up_table()
            check_steps(self.name, self._bench, limits, table.steps(kind))
            status = self.status()
            check_ready(self.name, limits, status)
            started = StartedWarmUp(kind, table, self._clock.now(), status.previous_fault)
            self._link.command(requests.warm_up_request(monthly=kind == "monthly"), offs=offs)
            self._started = started
            return self._watch.warm_up_start(started)
        except LimitError:
            raise
        except BaseException as error:
            self._off_after(error)
            raise

    def warm_up_progress(self) -> WarmUpProgress:
        """Get how far the warm-up is that this connection started.

        Raises:
            Refused: none was started, or it was ended by an off command.
        """
        status, started = self.status(), self._started
        if started is None:
            raise Refused(f"{self.name}: no warm-up was started, or it was ended by an off command")
        return started.progress(status, self._clock.now())

    def warm_up_due(self) -> WarmUpKind | None:
        """Get which warm-up the tube needs, by the date of the clock and the device's record of its last use.

        `set_clock` overwrites that record; what it was before is remembered by this connection only.
        """
        record, before = self.timestamp_record(), self._before_set_clock
        last_on_utc_s = record.last_on_utc_s if before is None else latest_on_utc_s(before.last_on_utc_s, record)
        return due(last_on_utc_s, self._clock.utc())

    def set_clock(self, utc_s: float) -> TimestampRecord:
        """Set the date of the device; returns the record it overwrites, which alone tells when the tube was last on.

        Raises:
            ValueError: a date the device cannot hold.
        """
        date = encode_timestamp(utc_s)
        record = self.timestamp_record()
        if self._before_set_clock is None or record.lag_s > 0:
            self._before_set_clock = record
        self._link.command(requests.timestamp_request(date))
        return record

    def shutdown(self) -> None:
        """Switch the beam off as far as possible. Never raises: call `safe_off` where a failure must be known."""
        try:
            self.safe_off()
        except XraydaqError as error:
            log.error("%s", error)

    def close(self) -> None:
        """Close the connection and leave the device as it is; a second call does nothing."""
        self._link.close()

    def _set_pair(
        self, table: TubeTable, voltage_v: float, current_a: float, offs: int, *, settle: bool
    ) -> TubeStatus:
        command = set_command(self.set_points(), voltage_v, current_a)
        self._link.command(requests.text_request(command), offs=offs)
        check_read_back(self.name, self.set_points(), voltage_v, current_a)
        timeout_s = self._settle_timeout_s if settle else None
        return self._watch.settle(table, voltage_v, current_a, timeout_s, lambda: self._link.offs != offs)

    def _require_tube(self) -> Identity:
        identity = self._link.query(requests.NETFINDER, parse_identity)
        if not identity.is_mini_x2:
            raise InstrumentError(f"{self.name}: this driver is for a Mini-X2, the answer is {identity.text!r}")
        return identity

    def _off_taken(self) -> bool:
        try:
            self._link.write_off(requests.text_request(text.OFF))
        except InstrumentError as error:
            log.warning("%s: %s", self.name, error)  # whether it acted all the same is seen in the status
            return False
        return True

    def _off_after(self, error: BaseException) -> None:
        try:
            self.safe_off()
        except InstrumentError as off_error:
            raise InstrumentError(f"{error}; {off_error}") from error
