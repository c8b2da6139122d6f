"""Checks of a bench file beyond the type of each key."""

import re
from collections.abc import Iterator
from datetime import date

from xraydaq.config.dosimeter import dosimeter_problems, is_by_hand
from xraydaq.config.draft import Draft
from xraydaq.config.messages import did_you_mean, dotted, shown
from xraydaq.config.models import DEVICES, DRIVERS, FROM_SAMPLE, SIM, WITHOUT_CABLE, Bench
from xraydaq.config.source import Document
from xraydaq.config.validate import Checked


def bench_problems(document: Document, checked: Checked[Bench]) -> Iterator[str]:
    """Find roles that do not exist, two roles on one cable, and real and simulated instruments mixed."""
    if ("roles",) in checked.broken:
        return
    yield from _missing_for_roles(document, checked)
    yield from _dosimeter(document, checked)
    yield from _operator(document, checked)
    bench = checked.value
    twin_broken = ("twin",) in checked.broken
    cables: dict[str, str] = {}
    for name, role in bench.roles.items():
        where, table = document.origin(("roles", name)), dotted(("roles", name))
        if name not in DRIVERS:
            yield f"{where}: {table}: unknown role{did_you_mean(name, DRIVERS)}; allowed: {', '.join(DRIVERS)}"
        if ("roles", name) in checked.broken:
            continue
        if name in DRIVERS and ("roles", name, "driver") not in checked.broken and role.driver not in DRIVERS[name]:
            yield (
                f"{document.origin(('roles', name, 'driver'))}: {table}.driver: {shown(role.driver)} cannot fill this "
                f"role; allowed: {', '.join(shown(each) for each in DRIVERS[name])}"
            )
        if ("roles", name, "resource") in checked.broken:
            continue
        where, cable = document.origin(("roles", name, "resource")), role.resource.casefold()
        key = f"{table}.resource: {shown(role.resource)}"
        if is_by_hand(role.resource):
            ways = WITHOUT_CABLE.get(name, ())
            if name in DRIVERS and not role.resource.startswith(ways or "-"):
                yield f"{where}: {key} cannot fill this role; allowed: a VISA resource" + (
                    f" or {' or '.join(ways)}" if ways else ""
                )
            elif name == "filters" and bench.simulated:
                yield f'{where}: {key} is a person, who cannot reach into a simulated bench; write "{SIM}filters"'
            continue
        if cable in cables:
            yield f"{where}: {key} is already the resource of {cables[cable]}; each instrument needs its own"
        cables.setdefault(cable, dotted(("roles", name)))
        if not twin_broken and name in DRIVERS:
            yield from (f"{where}: {key} {text}" for text in _cable_problems(bench, name, role.resource))


def _dosimeter(document: Document, checked: Checked[Bench]) -> Iterator[str]:
    if checked.broken.isdisjoint({("dosimeter",), ("roles", "dosimeter"), ("roles", "dosimeter", "resource")}):
        role = checked.value.roles.get("dosimeter")
        yield from dosimeter_problems(document, None if role is None else role.resource)


def _operator(document: Document, checked: Checked[Bench]) -> Iterator[str]:
    unknown = {("twin",), ("served_simulation",)} & checked.broken
    if "operator" in checked.value.roles and checked.value.is_real and not unknown:
        yield (
            f"{document.origin(('roles', 'operator'))}: roles.operator: stands in for a person at a simulated bench, "
            "and this one is real; remove the role: the person at the bench is asked"
        )


NEEDED = {
    "tube": ("limits", ("max_tube_voltage", "max_tube_current", "max_tube_power")),
    "temperature": ("limits", ("max_temperature",)),
    "filters": ("", ("filters",)),
}
"""What a bench file must say when it has a role: the table and its keys."""


def _missing_for_roles(document: Document, checked: Checked[Bench]) -> Iterator[str]:
    for name, (table, keys) in NEEDED.items():
        if name not in checked.value.roles or (table and (table,) in checked.broken):
            continue
        path = (table,) if table else ()
        found = document.data.get(table, {}) if table else document.data
        for key in keys:
            if key not in found:
                yield f"{document.origin(path)}: {dotted((*path, key))}: missing; roles.{name} needs it"


LOOPBACK = re.compile(
    r"TCPIP\d*::(127\.\d+\.\d+\.\d+|localhost|::1)::\d+::SOCKET|ASRL/dev/(pts/|ttys)\d+::INSTR", re.IGNORECASE
)
"""What simulators of another process on this computer can be behind: a port of its own, or a pseudo-terminal."""


def _cable_problems(bench: Bench, name: str, resource: str) -> Iterator[str]:
    if bench.served_simulation and not LOOPBACK.fullmatch(resource):
        yield (
            "is not on this computer, but served_simulation says that simulators of this computer are served; "
            'allowed: ports such as "TCPIP::127.0.0.1::5025::SOCKET" and pseudo-terminals'
        )
    elif bench.simulated and not resource.startswith(SIM):
        yield f'is a real instrument, but [twin] makes this bench simulated; write "{SIM}{name}" or remove [twin]'
    elif resource.startswith(SIM) and not bench.simulated:
        yield "is simulated, but the bench has no table [twin]; add [twin] or name a real instrument"
    elif resource.startswith(SIM) and resource != f"{SIM}{name}":
        yield f'does not exist; allowed: "{SIM}{name}"'


def together_problems(draft: Draft) -> Iterator[str]:
    """Find what bench, sample and procedure do not have for each other."""
    if draft.knows("bench.roles", "recipe.procedure"):
        for name in draft.recipe.parameters.roles:
            if name not in draft.bench.roles:
                drivers = ", ".join(DRIVERS[name])
                yield (
                    f"{draft.origin('bench.roles')}: roles.{name}: missing; {draft.recipe.procedure} needs it: "
                    f"write a table [roles.{name}] with driver ({drivers}) and resource"
                )
    if not draft.knows("bench.twin.device", "sample.treatment") or draft.bench.twin is None:
        return
    if draft.bench.twin.device == FROM_SAMPLE and draft.sample.treatment not in DEVICES:
        yield (
            f'{draft.origin("bench.twin.device")}: twin.device: "{FROM_SAMPLE}", but the simulation does not know the '
            f"treatment {shown(draft.sample.treatment)} ({draft.origin('sample.treatment')}); allowed: "
            + ", ".join(f'"{each}"' for each in DEVICES)
        )


def calibration_warnings(draft: Draft, today: date) -> Iterator[str]:
    """Name real instruments whose calibration has run out; a run is still allowed."""
    for name, role in draft.bench.roles.items():
        if not role.simulated and role.calibration_due is not None and role.calibration_due < today:
            yield (
                f"{draft.origin(f'bench.roles.{name}.calibration_due')}: roles.{name}: calibration was due on "
                f"{role.calibration_due.isoformat()}; readings are taken without it"
            )
