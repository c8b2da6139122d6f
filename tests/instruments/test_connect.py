"""Connections over real sockets and pseudo-terminals, and the sentence a user gets when there is none."""

import os
import socket
import threading
import tty
from importlib.util import find_spec

import pytest

from instruments.connect import open_adapter
from instruments.keithley2400 import LINE, Keithley2400
from xraydaq.clock import RealClock
from xraydaq.errors import InstrumentError, InstrumentTimeout

IDENTITY = b"KEITHLEY INSTRUMENTS INC.,MODEL 2400,1234567,C33   Mar 31 2015 09:32:39/A02  /J/H"


@pytest.fixture
def terminal():
    near, far = os.openpty()
    tty.setraw(far)
    yield near, os.ttyname(far)
    os.close(far)
    os.close(near)


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def answering(receive, send, end, reply):
    """Answer the first whole message with `reply`; returns what was received, once joined."""
    received = bytearray()

    def serve():
        while not received.endswith(end):
            received.extend(receive(100))
        send(reply)

    thread = threading.Thread(target=serve)
    thread.start()
    return thread, received


@pytest.mark.parametrize("reply_end", [b"\r", b"\r\n"])
def test_a_serial_line_sends_and_takes_carriage_returns_and_tolerates_line_feeds(terminal, reply_end):
    near, path = terminal
    adapter = open_adapter(f"ASRL{path}::INSTR", LINE, baud=19200)
    assert adapter.connection.baud_rate == 19200
    smu = Keithley2400(adapter, clock=RealClock(), max_bias_v=1.0)
    for _ in range(2):
        thread, received = answering(
            lambda count: os.read(near, count), lambda data: os.write(near, data), b"\r", IDENTITY + reply_end
        )
        assert smu.identify().serial == "1234567"
        thread.join()
        assert bytes(received) == b"*IDN?\r"
    smu.close()


def test_a_socket_sends_and_takes_line_feeds(listener):
    host, port = listener.getsockname()
    adapter = open_adapter(f"TCPIP0::{host}::{port}::SOCKET", LINE)
    peer, _ = listener.accept()
    with peer:
        thread, received = answering(peer.recv, peer.sendall, b"\n", IDENTITY + b"\n")
        smu = Keithley2400(adapter, clock=RealClock(), max_bias_v=1.0)
        assert smu.identify().model == "MODEL 2400"
        thread.join()
        assert bytes(received) == b"*IDN?\n"
        smu.close()
        smu.close()


def test_a_socket_whose_far_end_has_closed_is_an_error_and_does_not_hang(listener):
    host, port = listener.getsockname()
    adapter = open_adapter(f"TCPIP0::{host}::{port}::SOCKET", LINE)
    peer, _ = listener.accept()
    peer.close()
    smu = Keithley2400(adapter, clock=RealClock(), max_bias_v=1.0)
    with pytest.raises(InstrumentError):
        smu.safe_off()
    smu.close()


def test_opening_sends_nothing(listener):
    host, port = listener.getsockname()
    adapter = open_adapter(f"TCPIP0::{host}::{port}::SOCKET", LINE)
    peer, _ = listener.accept()
    adapter.close()
    with peer:
        assert peer.recv(100) == b""


def test_silence_is_a_timeout(listener):
    host, port = listener.getsockname()
    adapter = open_adapter(f"TCPIP0::{host}::{port}::SOCKET", LINE)
    peer, _ = listener.accept()
    with peer:
        smu = Keithley2400(adapter, clock=RealClock(), max_bias_v=1.0)
        with pytest.raises(InstrumentTimeout, match=r"no answer to \*IDN\?"):
            smu._link.ask("*IDN?", str, 0.05)
        smu.close()


def test_a_refused_connection_is_noticed_at_once(listener):
    host, port = listener.getsockname()
    listener.close()
    with pytest.raises(InstrumentError, match="refused; is the port number right"):
        open_adapter(f"TCPIP0::{host}::{port}::SOCKET", LINE)


@pytest.mark.parametrize(
    ("resource", "hint"),
    [
        ("ASRL/dev/ttyDOESNOTEXIST::INSTR", "no such port"),
        ("ASRL/etc/hostname::INSTR", "not a serial port"),
        ("voltmeter", "no VISA address; write e.g. GPIB0::24::INSTR"),
        ("", "cannot be opened"),
    ],
)
def test_what_cannot_be_opened_is_one_sentence_with_a_hint(resource, hint):
    with pytest.raises(InstrumentError, match=hint) as caught:
        open_adapter(resource, LINE)
    assert "\n" not in str(caught.value)


def test_a_port_of_another_user_is_a_question_of_permission(monkeypatch):
    import serial

    def denied(*args, **kwargs):
        raise serial.SerialException(13, "could not open port /dev/ttyUSB0: [Errno 13] Permission denied")

    monkeypatch.setattr(serial, "serial_for_url", denied)  # a root user is never denied
    with pytest.raises(InstrumentError, match="dialout"):
        open_adapter("ASRL/dev/ttyUSB0::INSTR", LINE)


@pytest.mark.skipif(bool(find_spec("gpib") or find_spec("gpib_ctypes")), reason="a GPIB driver is installed")
def test_a_missing_gpib_driver_is_named():
    with pytest.raises(InstrumentError, match="GPIB needs a driver: install linux-gpib"):
        open_adapter("GPIB0::24::INSTR", LINE)
