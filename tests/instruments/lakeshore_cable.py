"""A cable with just enough of a Lake Shore 335 at its far end to answer; it can be told to misbehave."""

from collections import deque

from pymeasure.adapters.adapter import Adapter
from pyvisa.constants import StatusCode
from pyvisa.errors import VisaIOError

IDENTITY = "LSCI,MODEL335,1234567/1234567,1.0"


class Connection:
    """What VISA shows of a connection, as far as the driver looks."""

    def __init__(self):
        self.timeout = None
        self.closed = 0

    def close(self):
        self.closed += 1


class LakeShoreCable(Adapter):
    """Records messages with their times; `spoil` takes the number of a reply and the reply, and gives what arrives."""

    def __init__(self, clock):
        super().__init__()
        self.connection = Connection()
        self.clock = clock
        self.sent = []
        self.times_s = []
        self.waiting = deque()
        self.replies = 0
        self.ese = 0
        self.esr = 0
        self.ignored = ()
        self.spoil = lambda number, reply: [reply]
        self.stage_k = 295.412
        self.values = {
            "*IDN": IDENTITY, "RDGST A": "000", "RDGST B": "000", "INTYPE A": "1,0,0,0,1", "INCRV A": "2",
            "TLIMIT A": "0", "FILTER A": "0,8,10", "OUTMODE 1": "0,0,0", "HTRSET 1": "0,1,2,+0.000,2",
            "PID 1": "+50.0,+20.0,+0.0", "MOUT 1": "+0.000", "RAMP 1": "0,+1.0", "SETP 1": "+999.000", "RANGE 1": "0",
            "RAMPST 1": "0", "HTR 1": "+0.0", "HTRST 1": "0",
        }  # fmt: skip

    def _write(self, command, **kwargs):
        self.sent.append(command)
        self.times_s.append(self.clock.now())
        answers = [each for each in map(self._execute, command.split(";")) if each is not None]
        if answers:
            self.waiting.extend(self.spoil(self.replies, ";".join(answers)))
            self.replies += 1

    def _execute(self, part):
        word, _, argument = part.partition(" ")
        if word == "*ESE":
            self.ese = int(argument)
        elif word == "*ESE?":
            return f"{self.ese:03d}"
        elif word == "*ESR?":
            value, self.esr = self.esr, 0
            return f"{value:03d}"
        elif word == "KRDG?":
            return f"{self.stage_k:+.3f}"
        elif word.endswith("?"):
            return self.values.get(f"{word[:-1]} {argument}".strip())
        elif word not in self.ignored:
            self._set(word, *argument.split(",", 1))
        return None

    def _set(self, word, channel, value):
        if f"{word} {channel}" not in self.values:
            self.esr |= 32
        else:
            self.values[f"{word} {channel}"] = value

    def _read(self, **kwargs):
        if not self.waiting:
            self.clock.sleep(self.connection.timeout / 1000)
            raise VisaIOError(StatusCode.error_timeout)
        return self.waiting.popleft() + "\r"

    def flush_read_buffer(self):
        self.waiting.clear()
