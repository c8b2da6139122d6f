"""Arguments and options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

RUNS = Path("data/runs")

RecipeName = Annotated[
    str, typer.Argument(metavar="RECIPE", help="Recipe file (TOML), or the name of one that comes with the program.")
]
BenchName = Annotated[
    str | None,
    typer.Option("--bench", metavar="FILE", help="Bench file; default: the recipe's, else the simulated bench."),
]
SampleName = Annotated[
    str | None, typer.Option("--sample", metavar="FILE", help="Sample file instead of the recipe's.")
]
Overrides = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help='Change one key: --set bias="3 V". Repeatable.')
]
Root = Annotated[Path, typer.Option("--root", metavar="FOLDER", help="Folder that holds the runs.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of text.")]
