"""The report of the programme, one HTML file and one PDF, with the figures laid out as published."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from xraydaq.errors import StorageError, XraydaqError
from xraydaq.evaluation import evaluate_stored, figure_of
from xraydaq.report.comparison import Own
from xraydaq.report.comparison import figure as comparison
from xraydaq.reproduce.measured import NO_RESULT, Measured, readable, sentence, value_text
from xraydaq.reproduce.paper import Block, pdf_of
from xraydaq.reproduce.questions import answers_of
from xraydaq.reproduce.sweep_said import LIMIT, is_extrapolated
from xraydaq.reproduce.table import Row, text_of
from xraydaq.reproduce.tensions import Tension, tensions_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 200
TABLE, TENSIONS, QUESTIONS = "Paper and bench", "Where the printed numbers do not fit together", "What reviewers ask"
SIMULATED = (
    "All numbers are of the simulated bench: a test of the chain from the wire to the table, no measurement. "
    "± is one standard uncertainty (k = 1)."
)
STYLE = (
    "body{font-family:sans-serif;max-width:76rem;margin:2rem auto;padding:0 1rem;line-height:1.45}"
    "p,li{max-width:60rem}p.bench{margin:0}ul{margin:.2rem 0 1rem}table{border-collapse:collapse;width:100%}"
    "td,th{border-bottom:1px solid #ccc;padding:.35rem .6rem;text-align:left;vertical-align:top}"
    "td.n,th.n{text-align:right;white-space:nowrap}td.v{white-space:nowrap}"
    ".differs,.no{font-weight:bold;color:#a33c00}small{color:#444}"
    "figure{margin:1.5rem 0}figure div{display:flex;flex-wrap:wrap;gap:.75rem;align-items:flex-start}"
    "img{flex:0 1 24.5rem;min-width:18rem;max-width:100%;height:auto}figcaption{font-size:.95rem;margin-bottom:.3rem}"
)
COMPARISON = "comparison"
PANELS = (
    ("Fig. 2c", "Space-charge-limited current", ("traps untreated", "traps mai", "traps atomistic")),
    ("Fig. 3a", "Conductivity", ("conductivity untreated", "conductivity mai", "conductivity atomistic")),
    ("Fig. 3b", "Dark current over 800 min", ("dark untreated", "dark mai", "dark atomistic")),
    (
        "Fig. 4",
        "Dose rate and detection limit, printed noise and quiet crystal; detectors of the literature",
        ("dose sweep", "dose sweep quiet", COMPARISON),
    ),
    ("", "Sensitivity against field, response in time, and noise", ("field", "response", "noise")),
    ("Fig. S4", "Air ionisation on glass, and the dose calibration", ("air", "dose calibration")),
)
"""The published figure, what it shows, and the jobs whose figures stand side by side."""


@dataclass(frozen=True)
class Panel:
    """Figures that belong together."""

    published: str
    caption: str
    figures: "tuple[Figure, ...]"

    @property
    def title(self) -> str:
        """Get number and caption in one."""
        return f"{self.published}: {self.caption}" if self.published else self.caption


def panels_of(measured: Measured) -> list[Panel]:
    """Draw every figure of the report; a run that is missing, or cannot be drawn, leaves its place empty."""
    found = []
    for published, caption, keys in PANELS:
        drawn = tuple(figure for key in keys if (figure := _figure(measured, key)) is not None)
        if drawn:
            found.append(Panel(published, caption, drawn))
    return found


def write_report(folder: Path, rows: Sequence[Row], measured: Measured, panels: Sequence[Panel]) -> tuple[Path, Path]:
    """Write ``report.html`` and ``report.pdf`` into a folder.

    Raises:
        StorageError: one of them exists, or cannot be written.
    """
    html, pdf = folder / "report.html", folder / "report.pdf"
    _write(html, html_of(rows, measured, panels).encode())
    _write(pdf, _pdf(rows, measured, panels))
    return html, pdf


def html_of(rows: Sequence[Row], measured: Measured, panels: Sequence[Panel]) -> str:
    """Write the page: table, figures, tensions, and what reviewers ask."""
    parts = [
        f"<h1>Reproduction of a published comparison</h1><p>{escape(SIMULATED)}</p>",
        f"<h2>{TABLE}</h2>{_table(rows)}",
        "<h2>Figures</h2>",
        *map(_panel, panels),
        f"<h2>{TENSIONS}</h2>",
        *map(_tension, tensions_of(measured)),
        f"<h2>{QUESTIONS}</h2>",
        *(f"<p><b>{escape(question)}</b><br>{escape(answer)}</p>" for question, answer in answers_of(measured)),
    ]
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Reproduction</title><style>{STYLE}</style>'
        f"<body>{''.join(parts)}</body></html>\n"
    )


def _table(rows: Sequence[Row]) -> str:
    head = '<tr><th>quantity</th><th class="n">paper</th><th class="n">measured ± u (k = 1)</th><th>verdict</th></tr>'
    return f"<table>{head}{''.join(map(_line, rows))}</table>"


def _line(row: Row) -> str:
    measured = NO_RESULT if row.measured is None else value_text(row.measured, row.unit)
    why = f"<br><small>{escape(row.why)}</small>" if row.why else ""
    return (
        f'<tr><td>{escape(row.quantity)}{why}</td><td class="n">{escape(readable(row.paper_text))}</td>'
        f'<td class="n">{escape(measured)}</td><td class="v {row.verdict.split()[0]}">{escape(row.verdict)}</td></tr>'
    )


def _panel(panel: Panel) -> str:
    images = "".join(f'<img alt="{escape(panel.caption)}" src="{_embedded(figure)}">' for figure in panel.figures)
    return f"<figure><figcaption><b>{escape(panel.title)}</b></figcaption><div>{images}</div></figure>"


def _tension(tension: Tension) -> str:
    found = "".join(f"<li>{escape(each)}</li>" for each in tension.measured)
    return (
        f"<p><b>{escape(sentence(tension.claims))}</b><br>{escape(sentence(tension.problem))}</p>"
        f'<p class="bench">This bench:</p><ul>{found}</ul>'
    )


def _embedded(figure: "Figure") -> str:
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=DPI)
    return f"data:image/png;base64,{base64.b64encode(picture.getvalue()).decode()}"


def _pdf(rows: Sequence[Row], measured: Measured, panels: Sequence[Panel]) -> bytes:
    table = [Block("", f"{SIMULATED}\n\n{text_of(list(rows))}")]
    said = [
        Block(sentence(each.claims), f"{sentence(each.problem)}\n{_listed(each)}\n\n")
        for each in tensions_of(measured)
    ]
    asked = [Block(question, f"{answer}\n\n") for question, answer in answers_of(measured)]
    chapters = ((TABLE, table), (TENSIONS, said), (QUESTIONS, asked))
    return pdf_of(chapters, [(each.title, each.figures) for each in panels])


def _listed(tension: Tension) -> str:
    return "\n".join(["This bench:", *(f"  {each}" for each in tension.measured)])


def _figure(measured: Measured, key: str) -> "Figure | None":
    if key == COMPARISON:
        own = _own(measured)
        return comparison(own, title="Sensitivity against detection limit", simulated=True) if own else None
    run = measured.runs.get(key)
    if run is None:
        return None
    try:
        return figure_of(evaluate_stored(run), run)
    except XraydaqError:  # the run's own closing has said why
        return None


def _own(measured: Measured) -> list[Own]:
    found = []
    for key, name in (("dose sweep", "printed noise"), ("dose sweep quiet", "quiet crystal")):
        slope = measured.value(key, "sensitivity_slope_unweighted")
        limit = measured.value(key, LIMIT)
        if slope is not None and limit is not None:
            found.append(Own(f"this bench, {name}", slope, limit, extrapolated=bool(is_extrapolated(measured, key))))
    return found


def _write(path: Path, data: bytes) -> None:
    try:
        with path.open("xb") as file:
            file.write(data)
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror}") from error
