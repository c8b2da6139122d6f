"""What the bridge beside the dosimeter's program answers, line by line."""

import pytest

from instruments.accugold import Chamber, ExportLog, Layout
from instruments.accugold.bridge import main
from instruments.accugold.session import BridgeSession
from instruments.wire import accugold as wire
from xraydaq.clock import JumpingClock

HEAD = "Dose,Duration\n"


class Bench:
    """A session over a folder, spoken to in whole lines."""

    def __init__(self, folder):
        self.file = folder / "log.csv"
        self.file.write_text(HEAD)
        self.clock = JumpingClock()
        log = ExportLog(folder, Layout("Dose", "uGy", "Duration"), self.clock)
        self.session = BridgeSession(log, Chamber("AGDM+", "48-0000", "10X6-180"), corrected=True)

    def say(self, line):
        (answer,) = self.session.feed(line.encode() + b"\n").splitlines()
        return answer.decode()

    def start(self):
        """Start as a client does, who comes again when it is told to."""
        while "ERR 34" in (answer := self.say("@5 START")):
            self.clock.sleep(1.0)
        assert answer == "@5 OK"


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


def test_it_says_what_it_is_and_leaves_out_what_it_does_not_know(bench):
    assert bench.say("@1 HELLO?") == "@1 OK proto=1,backend=export,dig=AGDM+,dig_sn=48-0000,chamber=10X6-180"


def test_checksums_are_added_once_the_client_has_sent_one(bench):
    assert bench.say("@1 PING") == "@1 OK"
    answer = bench.say(wire.format_request(wire.Request(2, "PING")))
    assert answer == f"@2 OK*{wire.checksum('@2 OK')}"
    assert bench.say("@3 PING") == f"@3 OK*{wire.checksum('@3 OK')}"


@pytest.mark.parametrize(
    ("line", "start"),
    [
        ("@7 WARP", "@7 ERR 20,"), ("@7 PING x=1", "@7 ERR 22,"), ("@7 CONF mode=rate", "@7 ERR 21,"),
        ("@7 ZERO", "@7 ERR 24,"), ("@7 ENV t_C=22.1,p_kPa=99.58", "@7 ERR 24,"), ("@7 READ?", "@7 ERR 23,"),
        ("hello", "@0 ERR 12,"), ("@7 STOP*00", "@7 ERR 10,"), ("@7 READ? " + 600 * "x", "@0 ERR 11,"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_answered_by_its_code(bench, line, start):
    assert bench.say(line).startswith(start)
    assert bench.say("@8 PING") == "@8 OK"


def test_a_measurement_is_busy_until_its_row_is_exported(bench):
    bench.start()
    assert bench.say("@6 READ?").startswith("@6 ERR 34,")
    bench.file.write_text(HEAD + "1.5,10\n")
    assert bench.say("@7 READ?").startswith("@7 ERR 34,")  # it may still be written
    bench.clock.sleep(1.0)
    answer = bench.say("@8 READ?")
    assert answer == "@8 OK n=1,time_s=10,dose_Gy=1.5E-06,k_app=1,flags=0000"
    assert bench.say("@9 READ?") == answer.replace("@8", "@9")  # a question may be asked twice


def test_a_folder_that_vanished_is_a_failure_with_a_text(bench):
    bench.start()
    bench.file.write_text("something else\n")
    bench.clock.sleep(1.0)
    bench.say("@6 READ?")
    bench.clock.sleep(1.0)
    assert bench.say("@7 READ?").startswith("@7 ERR 40,")


def test_lines_may_come_in_any_pieces(bench):
    data = b"@1 PING\r\n@2 STATUS?\n"
    answers = b"".join(bench.session.feed(data[place : place + 1]) for place in range(len(data)))
    assert answers == b"@1 OK\n@2 OK state=ready,flags=0000\n"


def test_goodbye_ends_the_conversation(bench):
    assert not bench.session.left
    bench.say("@1 BYE")
    assert bench.session.left


def test_the_program_refuses_a_layout_that_cannot_be(tmp_path, capsys):
    arguments = ["--folder", str(tmp_path), "--corrected", "no", "--dose-column", "Dose", "--dose-unit", "uGy"]
    assert main([*arguments, "--delimiter", "|", "--port", "0"]) == 2
    assert "do not go together" in capsys.readouterr().out


def test_the_program_wants_to_be_told_whether_the_log_is_corrected(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["--folder", str(tmp_path), "--dose-column", "Dose", "--dose-unit", "uGy"])
    assert "--corrected" in capsys.readouterr().err
