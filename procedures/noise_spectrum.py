"""Noise of a biased crystal: spectra behind a preamplifier, its dark current, and the spectra of the background.

A person moves the crystal between preamplifier and source-measure unit; every bias is off by then. The analyser keeps
the input range that it found with the crystal at bias, so that its own noise is the same in all spectra.
Not verified on hardware.
"""

import math
from typing import ClassVar

import numpy as np

from instruments.agilent35670a import Agilent35670A, NoiseSettings, Spectrum
from instruments.agilent35670a.settings import RANGES_DBVRMS
from instruments.sr570 import Sr570, Sr570Settings
from instruments.sr570.performance import bandwidth_hz
from procedures.base import BenchProcedure, Plan
from procedures.noise_plan import KIND_TEXTS, current_points, plan_of, settings_of, wanted_of
from procedures.parameters import described_by
from procedures.source import COLUMNS as SOURCE_COLUMNS
from procedures.source import Source
from procedures.stage import Stage
from xraydaq.bench.operator import CONNECT_CRYSTAL, Request
from xraydaq.config import RunConfig
from xraydaq.config.recipes.noise_spectrum import NoiseSpectrumParameters
from xraydaq.errors import Refused, RunFailed
from xraydaq.safety import WayBack
from xraydaq.storage import STATUS_FLAGS, Column

KINDS = {"device": 1, "zero_bias": 2, "open_input": 3}
CURRENT_KEY, RANGE_KEY = "dark current", "input range"
LOOK_S = 2.0
TRIES = 3
WIDER_DB = 6
PLUGS = {
    "preamplifier": "Connect the crystal to the input of the preamplifier, whose bias is off.",
    "smu": "Connect the crystal to the source-measure unit, whose output is off.",
    "none": "Unplug the crystal: leave the input of the preamplifier open, with its cap on.",
}


@described_by(NoiseSpectrumParameters)
class NoiseSpectrum(BenchProcedure):
    """Take spectra of the noise current of a crystal at bias and of what is there without it."""

    COLUMNS: ClassVar[tuple[Column, ...]] = (
        *SOURCE_COLUMNS,
        Column("spectrum", "", "number of the spectrum the row stands for, from 1; 0 for a reading", dtype="u4"),
        Column("kind", "", "of the spectrum: 1 crystal at bias, 2 crystal at 0 V, 3 open input", dtype="u4"),
        Column("span", "Hz", "highest frequency of the spectrum"),
    )

    @classmethod
    def plan(cls, config: RunConfig) -> Plan:
        """Compute spectra and time; opens nothing."""
        return plan_of(config)

    @property
    def _wanted(self) -> NoiseSpectrumParameters:
        return wanted_of(self.context.config)

    def prepare(self, way_back: WayBack) -> None:
        """Register the way back of every source, then configure: all of them off."""
        wanted, instruments = self._wanted, self.context.bench.instruments
        preamplifier, analyser = instruments["preamplifier"], instruments["analyser"]
        assert isinstance(preamplifier, Sr570)
        assert isinstance(analyser, Agilent35670A)
        self._preamplifier, self._analyser = preamplifier, analyser
        self._stage = Stage(self, wanted.stage_temperature_k)
        self._plugged = ""
        self._number = 0
        way_back.add("bias of the preamplifier off", preamplifier.safe_off)
        self._source: Source | None = None
        if wanted.current_duration_s > 0:
            self._source = Source(self, wanted, largest_bias_v=abs(wanted.bias_v))
            self._source.prepare(way_back)
        self._stage.prepare(way_back)
        way_back.add("analyser stopped", analyser.safe_off)  # last: it drives nothing
        preamplifier.configure(Sr570Settings(sensitivity_a_v=wanted.sensitivity_a_v, gain_mode=wanted.gain_mode))

    def measure_all(self) -> None:
        """Take the spectra at bias, the dark current, then the spectra of the background."""
        self._stage.hold()
        self._range_dbvrms = self._earlier_range()
        for kind in self._wanted.kinds:
            spans = [span for span in range(len(self._wanted.spans_hz)) if not self.is_done(self._key(kind, span))]
            if spans:
                self._connect_for(kind)
            for span in range(len(self._wanted.spans_hz)):
                self._number += 1
                if span in spans:
                    self._spectrum(kind, span)
                    self.checkpoint(self._key(kind, span))
            self._preamplifier.set_bias(None)
            if kind == "device" and self._source is not None and not self.is_done(CURRENT_KEY):
                self._dark_current(self._source)
                self.checkpoint(CURRENT_KEY)

    def _key(self, kind: str, span: int) -> str:
        return f"{KIND_TEXTS[kind]}, {self._wanted.spans_hz[span]:g} Hz"

    def _earlier_range(self) -> int | None:
        """Get the input range that an earlier segment of this run has found."""
        found = [key.removeprefix(RANGE_KEY) for key in self.context.done if key.startswith(RANGE_KEY)]
        return max((int(text.split()[0]) for text in found), default=None)

    def _connect_for(self, kind: str) -> None:
        """Plug the crystal in where it belongs, bias it and wait."""
        wanted = self._wanted
        self._plug("none" if kind == "open_input" else "preamplifier")
        if kind == "device":
            self.phase("settling", f"{wanted.settle_duration_s:g} s at {wanted.bias_v:g} V")
            self._preamplifier.set_bias(wanted.bias_v)
            self.wait(wanted.settle_duration_s)
        if kind == "zero_bias":
            self.phase("rest", f"{wanted.rest_duration_s:g} s at 0 V")
            self.wait(wanted.rest_duration_s)
        if self._range_dbvrms is None:
            self._find_range()
        self.phase(f"spectra of {KIND_TEXTS[kind]}")

    def _plug(self, where: str) -> None:
        """Have the crystal moved; whatever was driving it is off already.

        Raises:
            Refused: nobody did it.
        """
        if where == self._plugged:
            return
        if not self.context.bench.operator.do(Request(CONNECT_CRYSTAL, PLUGS[where], where)):
            raise Refused(f"noise_spectrum needs a person at the bench. {PLUGS[where]}")
        self.context.note("wiring", where, "info")
        self._plugged = where

    def _find_range(self) -> None:
        found = self._analyser.find_range(settings_of(self._wanted, 0, RANGES_DBVRMS[-1]), should_stop=self._stopped)
        self._keep_range(found)

    def _keep_range(self, range_dbvrms: int) -> None:
        self._range_dbvrms = range_dbvrms
        self.checkpoint(f"{RANGE_KEY} {range_dbvrms} dBVrms")

    def _stopped(self) -> bool:
        return self.context.stop.is_set()

    def _spectrum(self, kind: str, span: int) -> None:
        """Take one spectrum; again on a wider range where the input was overloaded.

        Raises:
            RunFailed: it was overloaded again and again.
        """
        for _ in range(TRIES):
            assert self._range_dbvrms is not None
            settings = settings_of(self._wanted, span, self._range_dbvrms)
            started_s, epoch_s = self.elapsed_s, self.context.clock.utc()
            temperature_k = self._stage.temperature_k()
            found = self._measured(settings)
            self._store(kind, found, (started_s, epoch_s, temperature_k))
            if not found.overload:
                return
            self.context.note("overload", f"{self._key(kind, span)}: taken again on a wider input range", "warning")
            self._keep_range(min(self._range_dbvrms + WIDER_DB, RANGES_DBVRMS[-1]))
        raise RunFailed(f"{self._key(kind, span)}: the analyser's input was overloaded {TRIES} times")

    def _measured(self, settings: NoiseSettings) -> Spectrum:
        self._analyser.configure(settings)
        self._analyser.start()
        while not self._analyser.finished():
            self.wait(min(LOOK_S, settings.record_s))
        return self._analyser.fetch()

    def _store(self, kind: str, found: Spectrum, moment: tuple[float, float, float]) -> None:
        started_s, epoch_s, temperature_k = moment
        settings, set_to = found.settings, self._preamplifier.configured
        assert set_to is not None
        bias_v = 0.0 if set_to.bias_v is None else set_to.bias_v
        header = {
            "kind": kind,
            "number": self._number,
            "rows": ["frequency_hz", "density_v_rthz"],
            "bias_v": bias_v,
            "span_hz": settings.span_hz,
            "lines": settings.lines,
            "averages": settings.averages,
            "overlap": settings.overlap_percent / 100,
            "window": settings.window,
            "coupling": settings.coupling,
            "range_dbvrms": settings.range_dbvrms,
            "sensitivity_a_per_v": set_to.sensitivity_a_v,
            "gain_mode": set_to.gain_mode,
            "pole_hz": bandwidth_hz(set_to.sensitivity_a_v, set_to.gain_mode),
            "overload": found.overload,
            "half_range_reached": found.half_range_reached,
            "started_s": started_s,
            "duration_s": found.duration_s,
        }
        name = f"spectrum {self._number}" + (" overloaded" if found.overload else "")
        self.context.block(name, header, np.vstack((found.frequency_hz, found.density_v_per_rthz)))
        self.emit_row(
            elapsed=started_s, epoch=epoch_s, voltage=bias_v, current=math.nan, current_errors=math.nan,
            temperature=temperature_k, status=STATUS_FLAGS["overflow"] if found.overload else 0, smu_status=0,
            smu_time=math.nan, spectrum=self._number, kind=KINDS[kind], span=settings.span_hz,
        )  # fmt: skip

    def _dark_current(self, source: Source) -> None:
        """Read the dark current with the source-measure unit, at the bias of the spectra."""
        wanted = self._wanted
        self._plug("smu")
        source.switch_on()
        source.ramp_to(wanted.bias_v)
        self.phase(CURRENT_KEY, f"{wanted.current_duration_s:g} s at {wanted.bias_v:g} V")
        for _ in self.schedule(current_points(wanted), wanted.period_s):
            source.take(temperature=self._stage.temperature_k(), spectrum=0, kind=0, span=math.nan)
        source.ramp_to(0.0)
        source.smu.output_enabled = False
