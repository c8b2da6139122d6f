"""The dark current as published laws state it, in closed form: the twin integrates in time and must agree."""

import math
from dataclasses import dataclass

from scipy.integrate import quad

EV_PER_K = 8.617333e-5


@dataclass(frozen=True)
class Law:
    current_298_a: float
    low_ev: float
    high_ev: float
    crossover_k: float
    rise: float
    rise_s: float
    beta: float
    fall: float
    fall_s: float
    absorption_a: float
    noise: float
    gamma: float

    def branches(self, temperature_k):
        x = (1 / temperature_k - 1 / self.crossover_k) / EV_PER_K
        return math.exp(-self.low_ev * x), math.exp(-self.high_ev * x)

    def conductance_s(self, temperature_k):
        ratio = sum(self.branches(temperature_k)) / sum(self.branches(298))
        return self.current_298_a / 5 * ratio * 298 / temperature_k

    def share(self, temperature_k):
        low, high = self.branches(temperature_k)
        return high / (low + high)

    def ionic_growth(self, reduced_s):
        """`reduced_s`: time as it would have to pass at 298 K."""
        rise = self.rise * (1 - math.exp(-((reduced_s / self.rise_s) ** self.beta)))
        return rise - self.fall * (1 - math.exp(-reduced_s / self.fall_s))

    def current_a(self, t_s, bias_v, temperature_k):
        """Current a time after a step from 0 V."""
        growth = self.share(temperature_k) * self.ionic_growth(t_s / slowness(temperature_k))
        absorbed_a = self.absorption_a * bias_v / 5 * t_s**-0.8
        return self.conductance_s(temperature_k) * bias_v * (1 + growth) + absorbed_a

    def mean_current_a(self, start_s, end_s, bias_v, temperature_k):
        total, _ = quad(self.current_a, start_s, end_s, args=(bias_v, temperature_k), epsrel=1e-10, epsabs=0)
        return total / (end_s - start_s)


def slowness(temperature_k):
    return math.exp(0.3 / EV_PER_K * (1 / temperature_k - 1 / 298))


LAWS = {
    "untreated": Law(400e-9, 0.30, 0.984, 285, 0.9, 9000, 0.7, 0, 1, 6e-9, 8e-10, 1.10),
    "mai": Law(1.2e-6, 0.30, 0.814, 274, 3.0, 700, 1, 3.4, 7000, 1.5e-8, 2e-9, 1.15),
    "atomistic": Law(150e-9, 0.30, 1.784, 295, 0.004, 12000, 1, 0, 1, 1.5e-9, 1e-10, 1.00),
}
