"""What the bridge is asked for: the verbs that concern the instrument, each with the keys it takes."""

import re
from collections.abc import Callable

from instruments.sim.accugold.digitizer import ZERO_S, Digitizer
from instruments.sim.accugold.lines import BAD_VALUE, BUSY, NOT_CONNECTED, SENSOR_MISSING, WRONG_STATE, RequestError

MODES = ("rate", "dose", "auto")
THRESHOLDS = ("low", "normal")
LONGEST_PERIOD_MS = 60_000
IDENTITY = "proto=1,backend=sim,dig=AGDM+,dig_sn=48-0000"
CALIBRATED = "2024-07-13"

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_WHOLE = re.compile(r"\d{1,9}", re.ASCII)

Verb = Callable[[dict[str, str], float], str]


class Verbs:
    """Carries requests out on a digitizer; what it gives is the text behind ``OK``."""

    def __init__(self, digitizer: Digitizer) -> None:
        self.digitizer = digitizer
        self.table: dict[str, tuple[tuple[str, ...], Verb]] = {
            "HELLO?": ((), self._hello),
            "CAPS?": ((), self._capabilities),
            "CONF": (("mode", "period_ms", "threshold"), self._configure),
            "CONF?": ((), self._configuration),
            "ENV": (("t_C", "p_kPa"), self._set_environment),
            "ENV?": ((), self._environment),
            "ZERO": ((), self._zero),
            "START": ((), self._start),
            "STOP": ((), self._stop),
            "RESET": ((), self._reset),
            "READ?": ((), self._read),
            "STATUS?": ((), self._status),
            "PING": ((), lambda _values, _now_s: ""),
        }

    def _hello(self, _values: dict[str, str], _now_s: float) -> str:
        chamber = "chamber=10X6-180,ch_sn=00-0000" if self.digitizer.sensor_connected else "chamber=none,ch_sn=none"
        return f"{IDENTITY},{chamber},cal={CALIBRATED}"

    def _capabilities(self, _values: dict[str, str], _now_s: float) -> str:
        setup, limits = self.digitizer.setup, self.digitizer.chamber.limits
        return (
            f"modes={'|'.join(MODES)},min_period_ms={setup.min_period_ms},zero=1,stream=1,"
            f"corrected={setup.corrected:d},rate_min_Gy_s={limits.rate_min_gy_s:.3E},"
            f"rate_max_Gy_s={limits.rate_max_gy_s:.3E}"
        )

    def _configure(self, values: dict[str, str], now_s: float) -> str:
        mode = _word(values, "mode", MODES, self.digitizer.mode)
        threshold = _word(values, "threshold", THRESHOLDS, self.digitizer.threshold)
        window_ms = self.digitizer.period_ms
        if "period_ms" in values:
            window_ms = period_ms(values, self.digitizer.setup.min_period_ms)
        if self.digitizer.state in ("running", "zeroing"):
            raise RequestError(WRONG_STATE, "not while measuring or zeroing")
        self.digitizer.mode, self.digitizer.period_ms, self.digitizer.threshold = mode, window_ms, threshold
        return self._configuration({}, now_s)

    def _configuration(self, _values: dict[str, str], _now_s: float) -> str:
        return f"mode={self.digitizer.mode},period_ms={self.digitizer.period_ms},threshold={self.digitizer.threshold}"

    def _set_environment(self, values: dict[str, str], now_s: float) -> str:
        celsius, kilopascal = _number(values, "t_C", 0, 50), _number(values, "p_kPa", 50, 110)
        self.digitizer.set_environment(now_s, celsius, kilopascal)
        return self._factor(now_s)

    def _environment(self, _values: dict[str, str], now_s: float) -> str:
        return f"{self._factor(now_s)},source={self.digitizer.environment_source}"

    def _factor(self, now_s: float) -> str:
        return (
            f"k_tp={self.digitizer.k_tp(now_s):.6f},t_ref_C={self.digitizer.setup.reference_c:.1f},p_ref_kPa=101.325"
        )

    def _zero(self, _values: dict[str, str], now_s: float) -> str:
        self._check_connected()
        if self.digitizer.state == "zeroing":
            raise RequestError(BUSY, "zeroing already")
        if self.digitizer.state == "running":
            raise RequestError(WRONG_STATE, "not while measuring")
        self.digitizer.start_zero(now_s)
        return f"state=zeroing,eta_s={ZERO_S:.0f}"

    def _start(self, _values: dict[str, str], now_s: float) -> str:
        self._check_connected()
        if self.digitizer.state == "zeroing":
            raise RequestError(BUSY, "zeroing")
        if self.digitizer.state == "running":
            raise RequestError(WRONG_STATE, "measuring already")
        self.digitizer.start(now_s)
        return ""

    def _stop(self, _values: dict[str, str], _now_s: float) -> str:
        self.digitizer.stop()
        return ""

    def _reset(self, _values: dict[str, str], _now_s: float) -> str:
        self.digitizer.reset()
        return ""

    def _read(self, _values: dict[str, str], now_s: float) -> str:
        reading = self.digitizer.reading
        if not self.digitizer.sensor_connected:
            raise RequestError(SENSOR_MISSING, "sensor missing")
        if reading is None and self.digitizer.running:
            raise RequestError(BUSY, "no reading yet")
        if reading is None:
            raise RequestError(WRONG_STATE, "not started")
        air = self.digitizer.environment(now_s)
        conditions = "" if air is None else f"t_C={air.temperature_c:.1f},p_kPa={air.pressure_kpa:.2f},"
        return (
            f"n={reading.number},time_s={reading.time_s:.3f},dose_Gy={reading.dose_gy:.5E},"
            f"rate_Gy_s={reading.rate_gy_s:.5E},{conditions}k_tp={self.digitizer.k_tp(now_s):.6f},"
            f"k_app={self.digitizer.setup.corrected:d},flags={reading.flags | self.digitizer.flags(now_s):04X}"
        )

    def _status(self, _values: dict[str, str], now_s: float) -> str:
        return f"state={self.digitizer.state},flags={self.digitizer.flags(now_s):04X}"

    def _check_connected(self) -> None:
        if not self.digitizer.digitizer_connected:
            raise RequestError(NOT_CONNECTED, "instrument not connected")
        if not self.digitizer.sensor_connected:
            raise RequestError(SENSOR_MISSING, "sensor missing")


def _word(values: dict[str, str], key: str, allowed: tuple[str, ...], default: str) -> str:
    value = values.get(key, default)
    if value not in allowed:
        raise RequestError(BAD_VALUE, f"bad value for {key}")
    return value


def _number(values: dict[str, str], key: str, low: float, high: float) -> float:
    text = values.get(key, "")
    if not (_NUMBER.fullmatch(text) and low <= float(text) <= high):
        raise RequestError(BAD_VALUE, f"bad value for {key}")
    return float(text)


def period_ms(values: dict[str, str], shortest_ms: int) -> int:
    """Read a period."""
    text = values.get("period_ms", "")
    if not (_WHOLE.fullmatch(text) and shortest_ms <= int(text) <= LONGEST_PERIOD_MS):
        raise RequestError(BAD_VALUE, "bad value for period_ms")
    return int(text)
