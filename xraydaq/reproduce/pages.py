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
from xraydaq.reproduce.measured import Measured, value_text
from xraydaq.reproduce.questions import answers_of
from xraydaq.reproduce.table import Row, text_of
from xraydaq.reproduce.tensions import Tension, tensions_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 160
TEXT_PAGE_INCHES = (8.27, 11.69)
TEXT_LINES = 62
SIMULATED = "All numbers are of the simulated bench: a test of the chain from the wire to the table, no measurement."
STYLE = (
    "body{font-family:sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;line-height:1.45}"
    "table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #ccc;padding:.35rem;text-align:left}"
    "td.n{text-align:right;white-space:nowrap}.differs{font-weight:bold;color:#a33c00}figure{margin:1rem 0}"
    "img{max-width:100%}small{color:#444}figcaption{font-size:.9rem}"
)
PANELS = (
    ("Fig. 2c", "Space-charge-limited current", ("traps untreated", "traps mai", "traps atomistic")),
    ("Fig. 3a", "Conductivity", ("conductivity untreated", "conductivity mai", "conductivity atomistic")),
    ("Fig. 3b", "Dark current over 800 min", ("dark untreated", "dark mai", "dark atomistic")),
    ("Fig. 4a, b", "Response to the dose rate, and detection limit", ("dose sweep", "dose sweep quiet")),
    ("", "Sensitivity against field, and response in time", ("field", "response")),
    ("Fig. S4", "Air ionisation on glass", ("air",)),
    ("", "Noise", ("noise",)),
    ("", "Dose calibration", ("dose calibration",)),
)
"""The published figure, what it shows, and the jobs whose figures stand side by side."""


@dataclass(frozen=True)
class Panel:
    """Figures that belong together."""

    published: str
    caption: str
    figures: "tuple[Figure, ...]"


def panels_of(measured: Measured) -> list[Panel]:
    """Draw every figure of the report; a run that is missing, or cannot be drawn, leaves its place empty."""
    found = []
    for published, caption, keys in PANELS:
        drawn = tuple(figure for key in keys if (figure := _figure(measured, key)) is not None)
        if drawn:
            found.append(Panel(published, caption, drawn))
    own = _own(measured)
    if own:
        shown = comparison(own, title="Sensitivity against detection limit", simulated=True)
        found.append(Panel("Fig. 4c", "Detectors of the literature beside this one", (shown,)))
    return found


def write_report(folder: Path, rows: Sequence[Row], measured: Measured, panels: Sequence[Panel]) -> tuple[Path, Path]:
    """Write ``report.html`` and ``report.pdf`` into a folder.

    Raises:
        StorageError: one of them exists, or cannot be written.
    """
    html, pdf = folder / "report.html", folder / "report.pdf"
    _write(html, html_of(rows, measured, panels).encode())
    _write(pdf, _pdf_of(rows, measured, panels))
    return html, pdf


def html_of(rows: Sequence[Row], measured: Measured, panels: Sequence[Panel]) -> str:
    """Write the page: table, figures, tensions, and what reviewers ask."""
    parts = [
        f"<h1>Reproduction of a published comparison</h1><p>{escape(SIMULATED)}</p>",
        f"<h2>Paper and bench</h2>{_table(rows)}",
        "<h2>Figures</h2>",
        *map(_panel, panels),
        "<h2>Where the printed numbers do not fit together</h2>",
        *map(_tension, tensions_of(measured)),
        "<h2>What reviewers ask</h2>",
        *(f"<p><b>{escape(question)}</b><br>{escape(answer)}</p>" for question, answer in answers_of(measured)),
    ]
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Reproduction</title><style>{STYLE}</style>'
        f"<body>{''.join(parts)}</body></html>\n"
    )


def _table(rows: Sequence[Row]) -> str:
    head = "<tr><th>quantity</th><th>paper</th><th>measured ± u (k = 1)</th><th>verdict</th></tr>"
    return f"<table>{head}{''.join(map(_line, rows))}</table>"


def _line(row: Row) -> str:
    measured = "–" if row.measured is None else value_text(row.measured, row.unit)
    why = f"<br><small>{escape(row.why)}</small>" if row.why else ""
    return (
        f'<tr><td>{escape(row.quantity)}{why}</td><td class="n">{escape(row.paper_text)}</td>'
        f'<td class="n">{escape(measured)}</td><td class="{row.verdict.split()[0]}">{escape(row.verdict)}</td></tr>'
    )


def _panel(panel: Panel) -> str:
    images = "".join(f'<img alt="{escape(panel.caption)}" src="{_embedded(figure)}">' for figure in panel.figures)
    name = f"{panel.published}: " if panel.published else ""
    return f"<figure>{images}<figcaption>{escape(name + panel.caption)}</figcaption></figure>"


def _tension(tension: Tension) -> str:
    return (
        f"<p><b>{escape(tension.claims)}</b><br>{escape(tension.problem)}.<br><i>This bench: "
        f"{escape(tension.measured)}.</i></p>"
    )


def _embedded(figure: "Figure") -> str:
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=DPI)
    return f"data:image/png;base64,{base64.b64encode(picture.getvalue()).decode()}"


def _pdf_of(rows: Sequence[Row], measured: Measured, panels: Sequence[Panel]) -> bytes:
    import matplotlib as mpl
    from matplotlib.backends.backend_pdf import PdfPages

    said = [f"* {each.claims}\n  {each.problem}.\n  This bench: {each.measured}." for each in tensions_of(measured)]
    asked = [f"* {question}\n  {answer}" for question, answer in answers_of(measured)]
    buffer = io.BytesIO()
    with mpl.rc_context({"pdf.fonttype": 42}), PdfPages(buffer) as pages:
        for title, body in (
            ("Paper and bench", f"{SIMULATED}\n\n{text_of(list(rows))}"),
            ("Where the printed numbers do not fit together", "\n\n".join(said)),
            ("What reviewers ask", "\n\n".join(asked)),
        ):
            for page in _text_pages(title, body):
                pages.savefig(page)
        for panel in panels:
            for figure in panel.figures:
                pages.savefig(figure)
    return buffer.getvalue()


def _text_pages(title: str, body: str) -> "list[Figure]":
    import textwrap

    from matplotlib.figure import Figure

    lines = [
        piece
        for line in body.splitlines()
        for piece in (textwrap.wrap(line, 108, subsequent_indent="  ", drop_whitespace=False) or [""])
    ]
    pages = []
    for first in range(0, max(1, len(lines)), TEXT_LINES):
        page = Figure(figsize=TEXT_PAGE_INCHES)
        page.text(0.06, 0.95, title, fontsize=13, parse_math=False)
        text = "\n".join(lines[first : first + TEXT_LINES])
        page.text(0.06, 0.93, text, fontsize=7.2, family="monospace", va="top", parse_math=False, linespacing=1.5)
        pages.append(page)
    return pages


def _figure(measured: Measured, key: str) -> "Figure | None":
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
        limit = measured.value(key, "detection_limit_snr_3")
        if slope is not None and limit is not None:
            extrapolated = "extrapolated" in measured.text(key, "flags")
            found.append(Own(f"this bench, {name}", slope, limit, extrapolated=extrapolated))
    return found


def _write(path: Path, data: bytes) -> None:
    try:
        with path.open("xb") as file:
            file.write(data)
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror}") from error
