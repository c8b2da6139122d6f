"""Random numbers that stay the same when another consumer is added."""

import hashlib

import numpy as np


def stream(seed: int, name: str) -> np.random.Generator:
    """Get the generator that belongs to this seed and this consumer, independent of every other one."""
    if seed < 0:
        raise ValueError(f"seed {seed} is negative; allowed are integers from 0")
    named = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, named])))
