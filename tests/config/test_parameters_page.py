import runpy
from pathlib import Path

import pytest

from xraydaq.config.recipes import PARAMETERS

GENERATOR = Path(__file__).parents[2] / ".ci" / "parameters_page.py"
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "procedures.md"


def test_the_page_of_parameters_is_what_the_models_say():
    assert runpy.run_path(str(GENERATOR))["page"]() == PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("procedure", PARAMETERS)
def test_every_key_of_a_recipe_says_what_it_means(procedure):
    tables = PAGE.read_text(encoding="utf-8").split("\n## ")
    (table,) = [each for each in tables if each.startswith(f"{procedure}\n")]
    rows = [line for line in table.splitlines() if line.startswith("| `")]
    assert len(rows) == len(PARAMETERS[procedure].model_fields)
    assert not [row for row in rows if row.endswith("|  |")]
