"""``xraydaq theory``: what a crystal can do at most, and the gain that a sensitivity means."""

from pathlib import Path
from typing import Annotated

import typer

from xraydaq.cli.options import RUNS, Root
from xraydaq.errors import EXIT_DONE

Texts = list[str] | None

Thickness = Annotated[
    Texts, typer.Option("--thickness", metavar="LENGTH", help='Crystal thickness, repeatable; default "1 mm".')
]
GapEnergy = Annotated[str, typer.Option("--gap-energy", metavar="ENERGY", help="Band gap; gives W = 2 Eg + 1.43 eV.")]
Energy = Annotated[
    Texts, typer.Option("--energy", metavar="ENERGY", help="Photon energy, repeatable; default 10 to 50 keV.")
]
Filter = Annotated[
    Texts,
    typer.Option("--filter", metavar="LENGTH", help='Total aluminium, repeatable; default "2 mm", or the run\'s.'),
]
TubeVoltage = Annotated[
    str, typer.Option("--tube-voltage", metavar="VOLTAGE", help="Of the beam, unless a run tells.")
]
Formula = Annotated[str, typer.Option("--formula", help="Of the crystal.")]
Density = Annotated[str, typer.Option("--density", help="Of the crystal.")]
Sensitivity = Annotated[str | None, typer.Option("--sensitivity", help='Measured, for its gain: "7.1e5 uC/Gy/cm^2".')]
Run = Annotated[
    str | None, typer.Option("--run", metavar="FILE", help="Stored run whose sensitivity and beam are taken.")
]
Out = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="Write the figure there, as .png and .pdf; never over.")
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("theory")(theory_command)


def theory_command(
    thickness: Thickness = None,
    gap_energy: GapEnergy = "1.60 eV",
    energy: Energy = None,
    filters: Filter = None,
    tube_voltage: TubeVoltage = "50 kV",
    formula: Formula = "CH6NPbI3",
    density: Density = "4.16 g/cm^3",
    sensitivity: Sensitivity = None,
    run: Run = None,
    out: Out = None,
    root: Root = RUNS,
) -> int:
    """Show attenuation, charge per dose at unity gain, and the photoconductive gain of a run.

    S0 is the sensitivity of a crystal that collects every electron-hole pair once; gain is S over S0.

    \b
    Examples:
      xraydaq theory --thickness "100 um" --thickness "1 mm"
      xraydaq theory --energy "22.16 keV" --sensitivity "7.1e5 uC/Gy/cm^2" --filter "2 mm"
      xraydaq theory --run 20260131T17 --out gain.png
    """
    from xraydaq.cli.theory_inputs import Wanted, evaluated
    from xraydaq.report import save
    from xraydaq.report import theory as report

    wanted = Wanted(
        thickness or (),
        gap_energy,
        energy or (),
        filters or (),
        tube_voltage,
        formula,
        density,
        sensitivity,
        run,
        root,
    )
    result, simulated = evaluated(wanted)
    typer.echo(report.table(result), nl=False)
    if out is not None:
        title = f"{formula}: attenuation, unity gain" + (" and measured" if result.beams[0].gain else "")
        for path in save(report.figure(result, title=title, simulated=simulated), out):
            typer.echo(f"figure  {path}")
    return EXIT_DONE
