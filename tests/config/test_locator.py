import tomllib

from hypothesis import given, settings
from hypothesis import strategies as st

from xraydaq.config.locator import line_of, locate_keys

VALUES = (
    "1", "true", "2027-03-31", '"5 V"', "'5 V'", '"a # b"', '"a \\" = [b]"', "'a \\'", '"""a\nb = 1\n# c\n[d]\n"""',
    "'''\nx = \"\"\"\n'''", '"""a\\"""b"""', '"""a"""""', "[1, 2]",
    '[\n  "a", # ] comment\n  "b]",\n]', "{ a = 1, b = { c = 2 } }",
    '""', "''", '[ """x\ny""", \'\'\'z\'\'\' ]',
)  # fmt: skip
NAMES = ("bias", "'two words'", '"a.b"', '"#x"', '"\\u00b5"', "a-b", "7")
between = st.sampled_from(["", "\n", "# bias = 1\n", "  \t\n", '# """\n', "\r\n"])
trailing = st.sampled_from(["", " ", " # comment = [", "\t"])
statements = st.lists(st.tuples(between, st.sampled_from(VALUES), trailing), min_size=1, max_size=6)


def written(tables):
    """Build a TOML text of numbered tables with numbered keys, and the line of each."""
    text, lines = "", {}
    for number, (name, keys) in enumerate(tables):
        table = f"t{number}"
        text += f"[{table}.{name}]\n"
        path = (table, next(iter(tomllib.loads(f"{name} = 1"))))
        lines[path] = text.count("\n")
        for key_number, (before, value, after) in enumerate(keys):
            text += before
            lines[(*path, f"k{key_number}")] = text.count("\n") + 1
            text += f"k{key_number} = {value}{after}\n"
    return text, lines


@settings(derandomize=True, max_examples=300)
@given(st.lists(st.tuples(st.sampled_from(NAMES), statements), min_size=1, max_size=4))
def test_every_key_is_found_on_the_line_it_was_written_on(tables):
    text, lines = written(tables)
    tomllib.loads(text)
    found = locate_keys(text)
    assert {path: found[path] for path in lines} == lines
    assert {path for path in found if len(path) > 1} == set(lines)


def test_dotted_keys_and_their_tables_are_found():
    found = locate_keys('a.b."c.d" = 1\n[x . y]\nz.w = { v = 1 }\n')
    assert found == {
        ("a",): 1, ("a", "b"): 1, ("a", "b", "c.d"): 1,
        ("x",): 2, ("x", "y"): 2, ("x", "y", "z"): 3, ("x", "y", "z", "w"): 3,
    }  # fmt: skip
    assert line_of(found, ("x", "y", "z", "w", "v")) == 3
    assert line_of(found, ("nowhere", "at", "all")) == 1


def test_the_elements_of_a_list_of_tables_are_counted():
    found = locate_keys("[[p]]\na = 1\n[p.q]\nb = 1\n[[p]]\na = 2\n[p.q]\nb = 2\n")
    assert [found["p", "0", "a"], found["p", "0", "q", "b"]] == [2, 4]
    assert [found["p", "1", "a"], found["p", "1", "q", "b"]] == [6, 8]
