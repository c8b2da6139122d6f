import pytest

SIMULATED = """
name = "mine"
[roles.smu]
driver = "keithley2400"
resource = "SIM::smu"
{more}
[limits]
max_bias = "25 V"
max_current = "1 mA"
[twin]
"""
NOBODY = """
name = "mine"
[roles.smu]
driver = "keithley2400"
resource = "TCPIP0::127.0.0.1::9::SOCKET"
calibration_due = 2001-02-03
[limits]
max_bias = "25 V"
max_current = "1 mA"
"""


@pytest.fixture
def bench(workplace):
    def write(text):
        (workplace / "mine.toml").write_text(text)
        return "mine.toml"

    return write


def test_every_role_of_the_simulated_bench_answers(xraydaq):
    said = xraydaq("bench", "identify")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("bench simulated (")
    assert said.out.splitlines()[0].endswith("): simulated bench")
    first, *others = (
        dict(line.split(maxsplit=1) for line in block.splitlines()) for block in said.out.split("\n\n")[1:]
    )
    assert first["role"] == "smu"
    assert first["resource"] == "SIM::smu"
    assert first["model"] == "MODEL 2400 (the bench file does not say)"
    assert [other["role"] for other in others] == ["tube", "dosimeter", "preamplifier", "analyser", "temperature"]
    assert all(shown["answer"] == "ok" for shown in (first, *others))


def test_another_model_than_the_bench_file_names_is_shown_and_ends_with_4(xraydaq, bench):
    said = xraydaq("bench", "identify", "--bench", bench(SIMULATED.format(more='model = "MODEL 2410"')))
    assert (said.code, said.err) == (4, "")
    assert "model        MODEL 2400 (bench file: MODEL 2410)" in said.out
    assert (
        "MISSING OR WRONG: role smu at SIM::smu: model is 'MODEL 2400', the bench file says 'MODEL 2410'" in said.out
    )


def test_another_firmware_than_the_bench_file_names_is_shown_and_ends_with_4(xraydaq, bench):
    said = xraydaq("bench", "identify", "--bench", bench(SIMULATED.format(more='firmware = "C30"')))
    assert (said.code, said.err) == (4, "")
    assert "(bench file: C30)" in said.out
    assert "MISSING OR WRONG: role smu at SIM::smu: firmware is 'C33 " in said.out


def test_an_instrument_that_is_not_there_is_missing_and_its_calibration_is_judged_even_so(xraydaq, bench):
    said = xraydaq("bench", "identify", "--bench", bench(NOBODY))
    assert (said.code, said.err) == (4, "")
    assert "not verified on hardware" in said.out.splitlines()[0]
    assert "calibration  OVERDUE since 2001-02-03" in said.out
    assert "MISSING OR WRONG: " in said.out


def test_a_gpib_bench_without_gpib_is_missing_and_no_bug(xraydaq):
    said = xraydaq("bench", "identify", "--bench", "lab_gpib")
    assert said.code == 4
    assert "Traceback" not in said.err
    assert "calibration  due date not stated in the bench file" in said.out


def test_a_bench_file_with_a_mistake_is_refused_before_anything_is_asked(xraydaq, bench):
    said = xraydaq("bench", "identify", "--bench", bench(SIMULATED.format(more='modl = "x"')))
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("error: mine.toml:6: roles.smu.modl: unknown key")


def test_a_recipe_is_no_bench(xraydaq, workplace):
    (workplace / "r.toml").write_text('procedure = "bias_stability"\nsample = "x"\n')
    said = xraydaq("bench", "identify", "--bench", "r.toml")
    assert (said.code, said.err) == (2, "error: r.toml:1: this is a recipe file; a bench file is wanted here\n")


def test_a_bench_file_that_does_not_exist_is_named(xraydaq):
    said = xraydaq("bench", "identify", "--bench", "nowhere.toml")
    assert (said.code, said.err) == (2, "error: nowhere.toml: file not found; check the path\n")
