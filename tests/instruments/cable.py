"""A cable whose far end can be told to misbehave; it knows just enough of a Keithley 2400 to answer."""

from collections import deque

from pymeasure.adapters.adapter import Adapter
from pyvisa.constants import StatusCode
from pyvisa.errors import VisaIOError

IDENTITY = "KEITHLEY INSTRUMENTS INC.,MODEL 2400,1234567,C33   Mar 31 2015 09:32:39/A02  /J/H"

ANSWERS = {
    "*IDN?": IDENTITY,
    ":SYST:ERR?": '0,"No error"',
    ":SOUR:FUNC?": "VOLT",
    ":SENS:FUNC?": '"CURR:DC"',
    ":FORM:ELEM?": "VOLT,CURR,TIME,STAT",
    ":SOUR:VOLT:RANG?": "2.100000E+01",
    ":SENS:CURR:RANG?": "1.050000E-06",
    ":SENS:CURR:PROT?": "5.000000E-05",
    ":SENS:CURR:NPLC?": "1.000000E+00",
    ":SYST:LFR?": "50",
    ":SYST:TIME?": "1.0",
}


class Connection:
    """What VISA shows of a connection, as far as a driver looks."""

    def __init__(self, cable):
        self.timeout = None
        self.closed = 0
        self._cable = cable

    def clear(self):
        self._cable.clear()

    def close(self):
        self.closed += 1


class Cable(Adapter):
    """Records every message; `spoil` takes the replies of a message and returns what arrives of them."""

    def __init__(self):
        super().__init__()
        self.connection = Connection(self)
        self.sent = []
        self.waiting = deque()
        self.answers = dict(ANSWERS)
        self.output = False
        self.level = "0.000000E+00"
        self.ese = 0
        self.time_s = 1.0
        self.current_a = 1e-9
        self.cleared = 0
        self.spoil = lambda message, replies: replies
        self.clear = self._clear

    def _clear(self):
        self.cleared += 1
        self.waiting.clear()

    def _write(self, command, **kwargs):
        self.sent.append(command)
        replies = [each for each in map(self._execute, command.split(";")) if each is not None]
        lines = [";".join(replies)] if replies else []
        self.waiting.extend(self.spoil(command, lines))

    def _execute(self, part):
        if part.startswith("*ESE "):
            self.ese = int(part[5:])
        elif part.startswith(":OUTP "):
            self.output = part == ":OUTP ON"
        elif part.startswith(":SOUR:VOLT "):
            self.level = f"{float(part[11:]):.6E}"
        elif part == "*ESE?":
            return str(self.ese)
        elif part == ":OUTP?":
            return "1" if self.output else "0"
        elif part == ":SOUR:VOLT?":
            return self.level
        elif part == ":READ?":
            return self._row() if self.output else None
        elif part.endswith("?"):
            return self.answers.get(part)
        return None

    def _row(self):
        self.time_s += 0.1
        self.current_a += 1e-12
        return f"{float(self.level):+.6E},{self.current_a:+.6E},{self.time_s:+.6E},+2.050000E+04"

    def _read(self, **kwargs):
        if not self.waiting:
            raise VisaIOError(StatusCode.error_timeout)
        return self.waiting.popleft()

    def _read_bytes(self, count, break_on_termchar=False, **kwargs):
        return self._read().encode("latin-1")

    def flush_read_buffer(self):
        self.waiting.clear()
