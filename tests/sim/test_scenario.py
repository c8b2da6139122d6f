import math

import pytest

from instruments.sim.scenario import Happening, parse_happenings
from xraydaq.errors import ConfigError

ROLES = ("smu", "tube")


def test_faults_of_lines_and_of_the_world_are_read_from_text():
    found = parse_happenings(["smu:late@10-12.5", "interlock_open@t=30"], ROLES)
    assert found == (Happening("smu", "late", 10.0, 12.5), Happening("", "interlock_open", 30.0, math.inf))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("late", "write ROLE:NAME@START-END"),
        ("smu:late@5-5", "the end is not after the start"),
        ("late@5", "no such fault of the world; allowed: interlock_open"),
        ("meter:late@5", "no role meter; allowed: smu, tube"),
        ("smu:interlock_open@5", "no such fault of a line; allowed: cut"),
        ("sensor_open@5", "the bench has no role temperature"),
        ("smu:late@nan", "write ROLE:NAME@START-END"),
    ],
)
def test_other_texts_are_refused_with_what_is_allowed(text, said):
    with pytest.raises(ConfigError, match=said) as caught:
        parse_happenings([text, "smu:cut@1"], ROLES)
    assert len(caught.value.problems) == 1
