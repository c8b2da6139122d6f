"""What a bridge answers: lines in, lines out, over the exported log. It never waits and knows no sockets."""

from collections import Counter
from collections.abc import Callable, Mapping

from instruments.accugold.dosimeter import Chamber, RawDose
from instruments.accugold.export import ExportLog, Row
from instruments.accugold.imported import one_new
from instruments.wire import accugold as wire
from xraydaq.errors import InstrumentError, Refused, XraydaqError

MODE = {"mode": "dose", "period_ms": "1000"}
"""The only way an exported log measures."""

_KEYS = {"CONF": {"mode", "period_ms", "threshold"}, "ENV": {"t_C", "p_kPa"}, "STREAM": {"period_ms"}}


class _Error(Exception):
    def __init__(self, code: int, text: str) -> None:
        self.code, self.text = code, text
        super().__init__(text)


class BridgeSession:
    """One client's conversation. `corrected`: whether the vendor's program includes the air density correction."""

    def __init__(self, log: ExportLog, chamber: Chamber, *, corrected: bool, name: str = "bridge") -> None:
        self._log = log
        self._chamber = chamber
        self._corrected = corrected
        self._name = name
        self._cutter = wire.LineCutter()
        self._checksums = False
        self._known: Counter[Row] | None = None
        self._row: Row | None = None
        self._count = 0
        self.left = False
        """The client said goodbye."""

    def feed(self, data: bytes) -> bytes:
        """Take what arrived and give what is to be sent."""
        return b"".join(self._reply(line) for line in self._cutter.feed(data) if line.strip())

    def _reply(self, line: bytes) -> bytes:
        answer = self._answer(line)
        return wire.format_answer(answer, with_checksum=self._checksums).encode("ascii") + b"\n"

    def _answer(self, line: bytes) -> wire.Ok | wire.Err:
        try:
            request, checked = wire.parse_request(line)
        except wire.BadLine as error:
            return wire.Err(error.request_id, error.code, str(error).partition(":")[0])
        self._checksums |= checked
        try:
            return wire.Ok(request.request_id, self._fulfil(request))
        except _Error as error:
            return wire.Err(request.request_id, error.code, error.text)
        except Refused as error:
            return wire.Err(request.request_id, wire.NOT_NOW, str(error))
        except (InstrumentError, XraydaqError) as error:
            return wire.Err(request.request_id, wire.BACKEND, str(error)[:200])

    def _fulfil(self, request: wire.Request) -> Mapping[str, str]:
        verbs: dict[str, Callable[[Mapping[str, str]], Mapping[str, str]]] = {
            "HELLO?": self._hello, "CAPS?": self._caps, "CONF": self._conf, "CONF?": lambda _: MODE,
            "START": self._start, "STOP": self._stop, "RESET": lambda _: {}, "READ?": self._read,
            "STATUS?": self._status, "PING": lambda _: {}, "BYE": self._bye,
            "ENV": self._cannot, "ENV?": self._cannot, "ZERO": self._cannot, "STREAM": self._cannot,
        }  # fmt: skip
        if request.verb not in verbs:
            raise _Error(wire.UNKNOWN_VERB, f"unknown verb {request.verb}")
        if unknown := set(request.values) - _KEYS.get(request.verb, set()):
            raise _Error(wire.UNKNOWN_KEY, f"unknown key {min(unknown)}")
        return verbs[request.verb](request.values)

    def _hello(self, _: Mapping[str, str]) -> Mapping[str, str]:
        chamber = self._chamber
        known = {
            "proto": "1", "backend": "export", "dig": chamber.digitizer, "dig_sn": chamber.digitizer_serial,
            "chamber": chamber.chamber, "ch_sn": chamber.chamber_serial,
            "cal": chamber.calibrated.isoformat() if chamber.calibrated else "",
        }  # fmt: skip
        return {key: value for key, value in known.items() if value}

    def _caps(self, _: Mapping[str, str]) -> Mapping[str, str]:
        return {
            "modes": MODE["mode"], "min_period_ms": MODE["period_ms"], "zero": "0", "stream": "0",
            "corrected": str(int(self._corrected)),
        }  # fmt: skip

    def _conf(self, values: Mapping[str, str]) -> Mapping[str, str]:
        if values.get("mode", MODE["mode"]) != MODE["mode"]:
            raise _Error(wire.BAD_VALUE, "bad value for mode")
        return MODE

    def _start(self, _: Mapping[str, str]) -> Mapping[str, str]:
        known = self._log.rows()
        if not self._log.settled:
            raise _Error(wire.BUSY, "a file is being written")
        self._known, self._row = known, None
        return {}

    def _stop(self, _: Mapping[str, str]) -> Mapping[str, str]:
        self._known = None
        return {}

    def _read(self, _: Mapping[str, str]) -> Mapping[str, str]:
        if self._known is None:
            raise _Error(wire.NOT_NOW, "START first")
        row = one_new(self._log.rows(), self._known, self._name)
        if row is None:
            raise _Error(wire.BUSY, "no new row was exported yet")
        if row != self._row:
            self._row = row
            self._count += 1
        return self._spell(self._log.dose_of(row))

    def _spell(self, raw: RawDose) -> Mapping[str, str]:
        numbers = {"time_s": raw.time_s, "dose_Gy": raw.dose_gy, "rate_Gy_s": raw.rate_gy_s}
        if raw.air is not None:
            numbers |= {"t_C": raw.air.temperature_k - 273.15, "p_kPa": raw.air.pressure_pa / 1000}
        spelt = {key: f"{value:.7G}" for key, value in numbers.items() if value == value}  # noqa: PLR0124  # not nan
        # the log does not say whether the background was corrected; whoever runs the exposures knows
        return {"n": str(self._count), **spelt, "k_app": str(int(self._corrected)), "flags": f"{int(raw.flags):04X}"}

    def _status(self, _: Mapping[str, str]) -> Mapping[str, str]:
        return {"state": "ready" if self._known is None else "running", "flags": "0000"}

    def _bye(self, _: Mapping[str, str]) -> Mapping[str, str]:
        self.left = True
        return {}

    def _cannot(self, _: Mapping[str, str]) -> Mapping[str, str]:
        raise _Error(wire.NOT_SUPPORTED, "an exported log cannot do this")
