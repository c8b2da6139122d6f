import threading

import pytest

from xraydaq.errors import StoppedByUser
from xraydaq.runner.thread import stoppable

PATIENCE_S = 20.0


def test_an_answer_is_passed_on():
    assert stoppable(lambda text: text.upper(), threading.Event())("mounted") == "MOUNTED"


def test_a_stop_does_not_wait_for_a_person_who_does_not_answer():
    stop, asked, never = threading.Event(), threading.Event(), threading.Event()
    ended = []

    def ask(text):
        asked.set()
        never.wait(PATIENCE_S)
        return ""

    def wait_for_the_answer():
        with pytest.raises(StoppedByUser):
            stoppable(ask, stop)("Mount 2 mm.")
        ended.append(True)

    waiting = threading.Thread(target=wait_for_the_answer)
    waiting.start()
    assert asked.wait(PATIENCE_S)
    stop.set()
    waiting.join(PATIENCE_S)
    assert ended == [True]
    never.set()


def test_a_question_that_breaks_counts_as_no_answer():
    def ask(text):
        raise OSError("the terminal is gone")

    assert stoppable(ask, threading.Event())("Mount 2 mm.") == ""
