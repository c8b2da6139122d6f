"""What every table and figure says about the bench."""

SIMULATED = "simulated bench"
SERVED = "simulated bench (served by another process)"
REAL = "instrument control not verified on hardware"


def bench_notice(simulated: bool | None, *, served: bool = False) -> str:
    """Return the words for a simulated or a real bench; nothing where the caller does not say which.

    `served` says that the simulators of a simulated bench live in another process.
    """
    if simulated is None:
        return ""
    if not simulated:
        return REAL
    return SERVED if served else SIMULATED
