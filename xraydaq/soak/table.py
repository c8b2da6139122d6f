"""The lines that a soak prints: one for each fault while it runs, and a table at the end."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

COUNTED = (
    ("unsafe", "X-rays outside a lease or an arming"),
    ("lost", "acknowledged rows not in the file"),
    ("unreadable", "files that do not open or verify"),
    ("dishonest", "runs with a state better than the truth"),
    ("left_on", "source or heater left on over 10 s"),
    ("locked", "ports left locked"),
    ("hung", "processes that did not end"),
)


@dataclass
class Tally:
    """Adds up the records of trials."""

    trials: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    by_kind: Counter[str] = field(default_factory=Counter)
    lit: int = 0
    lit_s: float = 0.0
    outside_s: float = 0.0
    longest_outside_s: float = 0.0
    longest_by_kind_s: dict[str, float] = field(default_factory=dict)
    rows: int = 0
    early: int = 0
    errors: int = 0

    def add(self, record: dict[str, Any]) -> None:
        """Add one trial."""
        if "error" in record:
            self.errors += 1
            return
        self.trials += 1
        self.faults.update(record["faults"])
        self.states[record["state"] or "no run"] += 1
        self.early += not record["faults"]
        self.lit += record["lit_s"] > 0
        self.lit_s += record["lit_s"]
        self.outside_s += record["outside_s"]
        self.longest_outside_s = max(self.longest_outside_s, record["outside_s"])
        self.rows += record["rows"]
        for name, _ in COUNTED:
            self.found[name] += len(record[name])
        problems = sum(len(record[name]) for name, _ in COUNTED)
        for kind in dict.fromkeys(record["faults"]):
            self.by_kind[kind] += problems
            if len(record["faults"]) == 1:
                longest_s = max(self.longest_by_kind_s.get(kind, 0.0), record["outside_s"])
                self.longest_by_kind_s[kind] = longest_s

    @property
    def is_clean(self) -> bool:
        """Get whether all that is counted is zero and no trial failed by itself."""
        return not self.errors and not sum(self.found.values())


def line_of(record: dict[str, Any], done: int, wanted: int) -> str:
    """Write the line of one trial."""
    head = f"{done:>5}/{wanted} #{record['number']}"
    if "error" in record:
        return f"{head} THE TRIAL ITSELF FAILED: {record['error']}"
    what = " + ".join(record["faults"]) or "nothing was put in"
    problems = [problem for name, _ in COUNTED for problem in record[name]]
    words = (
        f"{head} {record['recipe']:<7} {what}: {record['state'] or 'no run'}, {record['rows']} rows, "
        f"beam {record['lit_s']:.1f} s, {record['outside_s']:.2f} s outside a lease"
    )
    return words if not problems else f"{words}\n      ! " + "\n      ! ".join(problems)


def table_of(tally: Tally, seed: int, benches: int, took_s: float) -> str:
    """Write the table."""
    count = sum(tally.faults.values())
    lines = [
        "",
        f"{count} faults in {tally.trials} runs, seed {seed}, {benches} benches, {took_s:.0f} s",
        f"{tally.lit} runs had X-rays on, {tally.lit_s:.0f} s together; {tally.rows} rows stored",
        f"outside a valid lease: {tally.outside_s:.1f} s together, at most {tally.longest_outside_s:.2f} s in one run",
        f"states: {', '.join(f'{number} {state}' for state, number in sorted(tally.states.items()))}",
        "",
        f"{'fault':<22}{'times':>7}{'longest outside a lease, alone':>32}{'findings':>10}",
        *(_row(tally, kind) for kind in sorted(tally.faults)),
        "",
        *(f"{text:<44}{tally.found[name]:>5}" for name, text in COUNTED),
    ]
    if tally.early:
        lines.append(f"{'runs into which nothing was put':<44}{tally.early:>5}")
    if tally.errors:
        lines.append(f"{'trials that failed by themselves':<44}{tally.errors:>5}")
    return "\n".join(lines)


def _row(tally: Tally, kind: str) -> str:
    longest_s: float | None = tally.longest_by_kind_s.get(kind)
    shown = "-" if longest_s is None else f"{longest_s:.2f} s"
    return f"{kind:<22}{tally.faults[kind]:>7}{shown:>32}{tally.by_kind[kind]:>10}"
