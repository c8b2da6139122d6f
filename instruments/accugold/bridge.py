"""A bridge for the computer beside the dosimeter: ``python -m instruments.accugold.bridge --help``.

It watches the folder into which the dosimeter's own program exports its log and serves the rows as lines over TCP. It
does not touch the instrument. There is no password: it listens on this computer only, unless told otherwise.
NOT VERIFIED ON HARDWARE.
"""

import argparse
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path

from instruments.accugold.dosimeter import Chamber
from instruments.accugold.export import ExportLog, Layout
from instruments.accugold.session import BridgeSession
from xraydaq.clock import RealClock
from xraydaq.errors import LimitError

PORT = 15015
LOOK_S = 0.2


class BridgeServer:
    """Serves one client at a time, each with a conversation of its own."""

    def __init__(
        self, make_session: Callable[[], BridgeSession], *, host: str = "127.0.0.1", port: int = PORT
    ) -> None:
        self._make_session = make_session
        self._listening = socket.create_server((host, port), backlog=1)
        self._listening.settimeout(LOOK_S)
        self.port: int = self._listening.getsockname()[1]

    def serve(self, stop: threading.Event) -> None:
        """Serve until `stop` is set."""
        with self._listening:
            while not stop.is_set():
                with suppress(TimeoutError):
                    client, _ = self._listening.accept()
                    with client, suppress(OSError):  # a client that leaves in the middle is no event here
                        self._talk(client, stop)

    def _talk(self, client: socket.socket, stop: threading.Event) -> None:
        client.settimeout(LOOK_S)
        session = self._make_session()
        while not (stop.is_set() or session.left):
            with suppress(TimeoutError):
                data = client.recv(4096)
                if not data:
                    return
                client.sendall(session.feed(data))


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until Ctrl-C."""
    asked = _parser().parse_args(arguments)
    try:
        layout = Layout(
            dose=asked.dose_column, dose_unit=asked.dose_unit, time=asked.time_column, time_unit=asked.time_unit,
            temperature=asked.temperature_column, pressure=asked.pressure_column, delimiter=asked.delimiter,
            decimal=asked.decimal,
        )  # fmt: skip
    except LimitError as error:
        print(error)
        return error.exit_code
    chamber = Chamber(
        asked.digitizer, asked.digitizer_serial, asked.chamber, asked.chamber_serial, asked.calibrated
    )  # fmt: skip
    clock = RealClock()

    def session() -> BridgeSession:
        return BridgeSession(ExportLog(asked.folder, layout, clock), chamber, corrected=asked.corrected == "yes")

    server = BridgeServer(session, host=asked.host, port=asked.port)
    print(f"bridge on {asked.host} port {server.port}, watching {asked.folder}; Ctrl-C ends it")
    with suppress(KeyboardInterrupt):
        server.serve(threading.Event())
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m instruments.accugold.bridge", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="where the dosimeter's program exports its log")
    parser.add_argument("--corrected", choices=("yes", "no"), required=True, help="air density correction in the log?")
    parser.add_argument("--dose-column", required=True, help="heading of the dose or rate column")
    parser.add_argument("--dose-unit", required=True, help="unit of its numbers, such as uGy or mR/min")
    parser.add_argument("--time-column", default="", help="heading of the exposure time")
    parser.add_argument("--time-unit", default="s")
    parser.add_argument("--temperature-column", default="", help="heading of the air temperature in degC")
    parser.add_argument("--pressure-column", default="", help="heading of the air pressure in kPa")
    parser.add_argument("--delimiter", default=",", help="of CSV files")
    parser.add_argument("--decimal", default=".", help="decimal sign, . or ,")
    parser.add_argument("--digitizer", default="AGDM+")
    parser.add_argument("--digitizer-serial", default="")
    parser.add_argument("--chamber", default="", help="such as 10X6-180")
    parser.add_argument("--chamber-serial", default="")
    parser.add_argument("--calibrated", type=date.fromisoformat, help="date of the chamber's certificate, YYYY-MM-DD")
    parser.add_argument("--host", default="127.0.0.1", help="never an address of an open network")
    parser.add_argument("--port", type=int, default=PORT)
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
