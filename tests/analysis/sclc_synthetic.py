"""Current-voltage sweeps whose truth is known: charge balance by bisection over many discrete trap levels."""

from dataclasses import dataclass

import numpy as np

from tests.analysis.synthetic import flicker

GAP_M, EPS_R = 50e-6, 32.0
RANGES_A = 10.0 ** np.arange(-6, 1)
OFFSETS_A = np.array([300e-12, 700e-12, 6e-9, 60e-9, 600e-9, 6e-6, 570e-6]) / np.sqrt(3)


@dataclass(frozen=True)
class Gap:
    """A channel with ohmic contacts; `spread` is the standard deviation of ln(ratio) over its trap levels."""

    limit_v: float = 3.62
    ratio: float = 3e-3
    spread: float = 0.0
    ohmic_s: float = 5e-9
    injection_a_v2: float = 2e-6

    def current_a(self, bias_v):
        steps = np.linspace(-7.0, 7.0, 281) if self.spread else np.zeros(1)
        share = np.exp(-steps * steps / 2)
        share /= share.sum()
        half_v = self.limit_v * self.ratio * np.exp(self.spread * steps)
        low, high = np.full_like(bias_v, -80.0), np.log(bias_v)
        for _ in range(70):
            middle = (low + high) / 2
            free = np.exp(middle)
            too_much = free + self.limit_v * (share / (1 + half_v / free[:, None])).sum(axis=1) > bias_v
            low, high = np.where(too_much, low, middle), np.where(too_much, middle, high)
        return self.ohmic_s * bias_v + self.injection_a_v2 * bias_v * np.exp((low + high) / 2)


@dataclass(frozen=True)
class Sweeps:
    columns: tuple
    settings: dict

    def evaluated(self, evaluate, **changes):
        return evaluate(*self.columns, **(self.settings | changes))


def make_sweeps(
    gap, seed=1, *, down=None, repeats=1, noise_rel=1e-3, offset_a=2e-10, polarity=1, per_decade=30, highest_v=20.0
):
    """30 s at 0 V, up, down, 30 s at 0 V: 1/f noise in proportion to the current, ranges that follow, an offset."""
    rng = np.random.default_rng(seed)
    bias_v = np.geomspace(0.02, highest_v, round(per_decade * np.log10(highest_v / 0.02)) + 1)
    parts = [(np.zeros(30), np.zeros(30), np.zeros(30))]
    for _ in range(repeats):
        parts.append((bias_v, gap.current_a(bias_v), np.ones(len(bias_v))))
        parts.append((bias_v[::-1], (down or gap).current_a(bias_v)[::-1], -np.ones(len(bias_v))))
        parts.append((np.zeros(30), np.zeros(30), np.zeros(30)))
    voltage, current, direction = (np.concatenate(column) for column in zip(*parts, strict=True))
    if noise_rel:
        current = current * np.exp(flicker(rng, len(current), 1.0, noise_rel, 1.0))
    used = np.searchsorted(RANGES_A * 1.05, current)
    floor = OFFSETS_A[used]
    read = current + offset_a * floor / floor[0] + 3e-12 * rng.standard_normal(len(current)) * bool(noise_rel)
    if noise_rel:
        read = np.round(read / (1e-5 * RANGES_A[used])) * 1e-5 * RANGES_A[used]
    u = np.hypot(floor, 2e-4 * current)
    columns = (np.arange(len(read)) * 1.0, polarity * voltage, polarity * read, u, np.zeros(len(read)), direction)
    return Sweeps(
        columns,
        {"gap_m": GAP_M, "gap_u_m": 3e-6, "relative_permittivity": EPS_R, "relative_permittivity_u": 0.09 * EPS_R,
         "resolution_a": 1e-11},
    )  # fmt: skip


def drawn_gap(rng, spreads=(0.0, 0.5, 1.0)):
    """A gap with parameters drawn over the range that crystals show."""
    return Gap(
        limit_v=float(np.exp(rng.uniform(np.log(0.4), np.log(4.0)))),
        ratio=float(10 ** rng.uniform(-3, -2)),
        spread=float(rng.choice(spreads)),
        ohmic_s=float(10 ** rng.uniform(-9, -8)),
        injection_a_v2=float(10 ** rng.uniform(-6.5, -5.5)),
    )
