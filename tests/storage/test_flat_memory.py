from pathlib import Path

import pytest

from xraydaq.storage import live_view

FEW, MANY = 50_000, 500_000
COLUMN_BYTES = 8 * (MANY - FEW)
"""What the additional rows of a single column take: whoever holds rows holds more than this."""

BUILD = """
from xraydaq.storage import build_result
{record}
build_result(writer.folder)
status = Path("/proc/self/status").read_text().splitlines()
say(next(line.split()[1] for line in status if line.startswith("VmHWM")))
"""
RECORD = """
with RunWriter.create(root, header, wall=RealClock(), batch=True, publish=False) as writer:
    for i in range({rows}):
        writer.append(row(i))
    writer.finish("finished")
"""


def resident_bytes(pid):
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


@pytest.mark.slow
def test_building_a_result_holds_not_even_one_column_of_its_rows(start_child):
    def peak_bytes(rows):
        output, _ = start_child(BUILD.format(record=RECORD.format(rows=rows))).communicate(timeout=120)
        return 1024 * int(output)

    assert peak_bytes(MANY) - peak_bytes(FEW) < COLUMN_BYTES


@pytest.mark.slow
def test_the_publisher_holds_not_even_one_column_of_the_rows_it_has_published(open_run, row, until):
    writer = open_run(publish=True)
    with live_view(writer.folder) as view:

        def held_bytes(first, end):
            for i in range(first, end):
                writer.append(row(i))
            writer.commit()
            until(lambda: bool(view.poll()) and view.rows == end)
            return resident_bytes(writer.publisher_pid)

        before = held_bytes(0, FEW)
        assert held_bytes(FEW, MANY) - before < COLUMN_BYTES
