"""The command table of each model."""

from collections.abc import Callable
from dataclasses import dataclass

from instruments.sim.lakeshore335 import arguments, heater_commands, input_commands
from instruments.sim.lakeshore335.arguments import count, whole
from instruments.sim.lakeshore335.formats import register
from instruments.sim.lakeshore335.instrument import OPERATION_COMPLETE, Instrument

Act = Callable[[list[str]], None]
Ask = Callable[[list[str]], str]


@dataclass(frozen=True, slots=True)
class Command:
    """What a name does as a command and as a query, if it has them."""

    act: Act | None = None
    ask: Ask | None = None


def table(instrument: Instrument) -> dict[str, Command]:
    """Get every command of the instrument's model by name."""
    rows = {**_common(instrument), **_panel(instrument)}
    inputs = input_commands.InputCommands(instrument)
    for name, act, ask in inputs.rows():
        rows[name] = Command(act, ask)
    outputs = heater_commands.HeaterCommands(instrument)
    for name, act, ask in outputs.rows():
        rows[name] = Command(act, ask)
    if not instrument.model.numbers_heaters:
        rows["CMODE"] = rows.pop("OUTMODE")
        for name in ("HTRSET", "OPST", "EMUL", "TLIMIT", "BRIGT"):
            del rows[name]
    return rows


def _common(instrument: Instrument) -> dict[str, Command]:
    def nothing(act: Callable[[], None]) -> Act:
        return lambda given: act() if not count(given, 0) else None

    def bare(ask: Callable[[], str]) -> Ask:
        return lambda given: ask() if not count(given, 0) else ""

    def kept(name: str) -> Command:
        return Command(
            lambda given: setattr(instrument, name, whole(count(given, 1)[0], 0, 255)),
            bare(lambda: register(getattr(instrument, name))),
        )

    def complete() -> None:
        instrument.event_bits |= OPERATION_COMPLETE

    def clear() -> None:
        instrument.event_bits = 0

    return {
        "*IDN": Command(ask=bare(lambda: instrument.model.identity)),
        "*RST": Command(nothing(instrument.restart)),
        "*CLS": Command(nothing(clear)),
        "*ESE": kept("event_enable"),
        "*SRE": kept("service_enable"),
        "*ESR": Command(ask=bare(lambda: register(instrument.take_events()))),
        "*STB": Command(ask=bare(lambda: register(instrument.status_byte()))),
        "*OPC": Command(nothing(complete), bare(lambda: "1")),
        "OPST": Command(ask=bare(lambda: register(instrument.operation()))),
    }


def _panel(instrument: Instrument) -> dict[str, Command]:
    stored = instrument.stored

    def kept(name: str, high: int) -> Command:
        return Command(
            lambda given: setattr(stored, name, whole(count(given, 1)[0], 0, high)),
            lambda given: str(getattr(stored, name)) if not count(given, 0) else "",
        )

    def lock(given: list[str]) -> None:
        state, code = count(given, 2)
        stored.lock = (whole(state, 0, 1), whole(code, 0, 999))

    def locked(given: list[str]) -> str:
        arguments.count(given, 0)
        return f"{stored.lock[0]},{stored.lock[1]:03d}"

    def emulate(given: list[str]) -> None:
        # the vendor's driver sends a second argument, which no document at hand names: taken, not kept (assumed)
        values = [whole(text, 0, 1) for text in count(given, 1, 2)]
        stored.emulation = values[0]

    return {
        "MODE": kept("mode", 2),
        "BRIGT": kept("brightness", 3),
        "EMUL": Command(emulate, kept("emulation", 1).ask),
        "LOCK": Command(lock, locked),
    }
