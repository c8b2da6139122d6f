"""Write docs/reference/procedures.md from the models of the recipes; with --check, say whether it is up to date."""

import ast
import inspect
import sys
from itertools import pairwise
from pathlib import Path
from typing import get_args

from xraydaq.config.recipes import PARAMETERS
from xraydaq.config.values import Number, Quantities, Quantity
from xraydaq.config.words import Choice, Switch, Text
from xraydaq.units import format_quantity

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "procedures.md"
HEAD = """# Parameters of the procedures

What `[parameters]` of a recipe may contain, procedure by procedure. This page is written from the program's own models
(`python .ci/parameters_page.py`) and compared with them in the tests. Values are text with a unit, see
[configuration](configuration.md).
"""


def docstrings(model: type) -> dict[str, str]:
    """Get the text below each field, in the model and what it is made of; the outermost counts."""
    found: dict[str, str] = {}
    for each in reversed(model.__mro__):
        if not each.__module__.startswith("xraydaq.config"):
            continue
        body = ast.parse(inspect.getsource(each).lstrip()).body[0].body
        for field, below in pairwise(body):
            is_text = isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
            if isinstance(field, ast.AnnAssign) and is_text:
                found[field.target.id] = " ".join(str(below.value.value).split())
    return found


def rows(model: type) -> list[str]:
    """Get the lines of the table of one model, its own keys first."""
    texts = docstrings(model)
    own = [name for name in model.model_fields if name in model.__annotations__]
    order = [*own, *(name for name in model.model_fields if name not in own)]
    return [row(model.model_fields[name], name, texts.get(name, "")) for name in order]


def row(field, name: str, text: str) -> str:
    """Get one line of a table: key, what is allowed, default, meaning."""
    inside = [each for part in get_args(field.annotation) for each in getattr(part, "__metadata__", ())]
    known = (Quantity, Quantities, Number, Choice, Switch, Text)
    kind = next((each for each in (*field.metadata, *inside) if isinstance(each, known)), None)
    inner = kind.each if isinstance(kind, Quantities) else kind
    allowed = inner.allowed if isinstance(inner, Quantity | Number) else ""
    if isinstance(inner, Choice):
        allowed = ", ".join(f'"{each}"' for each in inner.words)
    if isinstance(inner, Switch | Text):
        allowed = "`true`, `false`" if isinstance(inner, Switch) else f'text like "{inner.example}"'
    if isinstance(kind, Quantities):
        allowed = f"a list, each {allowed}"
    default = "required" if field.is_required() else shown(field.default, inner)
    return f"| `{field.alias or name}` | {allowed.replace('|', '/')} | {default} | {text} |"


def shown(default: object, kind: object) -> str:
    """Write a default the way a person does."""
    if default is None:
        return "–"
    if isinstance(default, tuple):
        return ", ".join(shown(each, kind) for each in default)
    if isinstance(kind, Quantity):
        return f'`"{format_quantity(default, kind.unit, 12)}"`'
    return f'`"{default}"`' if isinstance(default, str) else f"`{str(default).lower()}`"


def page() -> str:
    """Get the whole page."""
    parts = [HEAD]
    for procedure, model in PARAMETERS.items():
        doc = " ".join((sys.modules[model.__module__].__doc__ or "").split())
        roles = ", ".join(f"`{role}`" for role in model.ROLES)
        parts.append(f"\n## {procedure}\n\n{doc}\n\nRoles of the bench: {roles}.\n\n")
        parts.append("| key | allowed | default | meaning |\n|---|---|---|---|\n" + "\n".join(rows(model)) + "\n")
    return "".join(parts)


def main() -> int:
    """Write the page, or compare it."""
    if "--check" not in sys.argv:
        PAGE.write_text(page(), encoding="utf-8")
        return 0
    if PAGE.read_text(encoding="utf-8") == page():
        return 0
    print(f"{PAGE}: not up to date; run python .ci/parameters_page.py")
    return 1


if __name__ == "__main__":
    sys.exit(main())
