"""The report as a PDF: pages of text, and pages on which the figures of one panel stand side by side."""

import io
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

UPRIGHT_INCHES = (8.27, 11.69)
ACROSS_INCHES = (11.69, 8.27)
MARGIN_INCHES = 0.5
LETTERS, LINE_INCHES, FONT_SIZE = 112, 0.144, 7.2
FIRST_LINE_INCHES = 1.0
FIGURE_DPI = 300
CAPTION_INCHES = 0.7
GAP_INCHES = 0.15


@dataclass(frozen=True)
class Block:
    """A paragraph that is not torn apart: its first line stands out where it has one."""

    first: str
    rest: str


def pdf_of(chapters: Sequence[tuple[str, Sequence[Block]]], panels: "Sequence[tuple[str, Sequence[Figure]]]") -> bytes:
    """Write chapters of text (title, paragraphs), then panels (caption, figures), and number the pages."""
    import matplotlib as mpl
    from matplotlib.backends.backend_pdf import PdfPages

    buffer = io.BytesIO()
    with mpl.rc_context({"pdf.fonttype": 42}), PdfPages(buffer) as file:
        pages = [page for title, blocks in chapters for page in _text_pages(title, blocks)]
        pages += [_panel_page(caption, figures) for caption, figures in panels]
        for number, page in enumerate(pages, start=1):
            foot = f"simulated bench, page {number} of {len(pages)}"
            page.text(0.5, 0.02, foot, fontsize=7, ha="center", color="0.4")
            file.savefig(page)
    return buffer.getvalue()


def _text_pages(title: str, blocks: Sequence[Block]) -> "Iterator[Figure]":
    from matplotlib.figure import Figure

    width, height = UPRIGHT_INCHES
    room = int((height - FIRST_LINE_INCHES - MARGIN_INCHES) / LINE_INCHES)
    for lines in _paged([_lines(block) for block in blocks], room):
        page = Figure(figsize=UPRIGHT_INCHES)
        left = MARGIN_INCHES / width
        page.text(left, 1 - 0.7 * FIRST_LINE_INCHES / height, title, fontsize=13, parse_math=False)
        for number, (line, stands_out) in enumerate(lines):
            y = 1 - (FIRST_LINE_INCHES + number * LINE_INCHES) / height
            weight = "bold" if stands_out else "normal"
            page.text(left, y, line, fontsize=FONT_SIZE, family="monospace", weight=weight, va="top", parse_math=False)
        yield page


def _lines(block: Block) -> list[tuple[str, bool]]:
    """Wrap a block; lines that follow keep the indent of their paragraph."""
    return [(line, True) for line in _wrapped(block.first)] + [(line, False) for line in _wrapped(block.rest)]


def _wrapped(text: str) -> Iterator[str]:
    for line in text.splitlines():
        indent = " " * (len(line) - len(line.lstrip()))
        yield from textwrap.wrap(line.strip(), LETTERS, initial_indent=indent, subsequent_indent=indent) or [""]


def _paged(blocks: Sequence[list[tuple[str, bool]]], room: int) -> Iterator[list[tuple[str, bool]]]:
    """Fill pages of `room` lines with whole blocks; one that is longer than a page goes on on the next."""
    page: list[tuple[str, bool]] = []
    for block in blocks:
        if page and len(page) + sum(bool(line) for line, _ in block) > room:  # blank lines at the end may hang over
            yield page
            page = []
        page = [*page, *block]
        while any(line for line, _ in page[room:]):
            yield page[:room]
            page = page[room:]
    yield page[:room]


def _panel_page(caption: str, figures: "Sequence[Figure]") -> "Figure":
    """Place figures side by side at their size, or smaller where the page is; they are images here."""
    from matplotlib.figure import Figure

    width, height = ACROSS_INCHES
    page = Figure(figsize=ACROSS_INCHES)
    page.text(MARGIN_INCHES / width, 1 - 0.7 * CAPTION_INCHES / height, caption, fontsize=13, parse_math=False)
    sizes = [tuple(map(float, figure.get_size_inches())) for figure in figures]
    room = (width - 2 * MARGIN_INCHES - GAP_INCHES * (len(sizes) - 1), height - CAPTION_INCHES - 2 * MARGIN_INCHES)
    scale = min(1.0, room[0] / sum(each for each, _ in sizes), room[1] / max(each for _, each in sizes))
    left = MARGIN_INCHES
    for figure, (wide, high) in zip(figures, sizes, strict=True):
        bottom = height - CAPTION_INCHES - MARGIN_INCHES / 2 - scale * high
        axes = page.add_axes((left / width, bottom / height, scale * wide / width, scale * high / height))
        axes.set_axis_off()
        axes.imshow(_image(figure), aspect="auto", interpolation="none")
        left += scale * wide + GAP_INCHES
    return page


def _image(figure: "Figure") -> "NDArray[Any]":
    from matplotlib.image import imread

    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=FIGURE_DPI)
    picture.seek(0)
    return imread(picture)
