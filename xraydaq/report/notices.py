"""What every table and figure says about the bench."""

SIMULATED = "simulated bench"
REAL = "instrument control not verified on hardware"


def bench_notice(simulated: bool | None) -> str:
    """Return the words for a simulated or a real bench; nothing where the caller does not say which."""
    if simulated is None:
        return ""
    return SIMULATED if simulated else REAL
