"""Figures on disk."""

import io
from pathlib import Path
from typing import TYPE_CHECKING

from xraydaq.errors import StorageError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PNG_DPI = 300
SUFFIXES = (".png", ".pdf")


def save(figure: "Figure", path: Path) -> tuple[Path, Path]:
    """Write .png (300 dpi) and .pdf and return both paths; if either exists, StorageError and neither."""
    import matplotlib as mpl

    stem = path.with_suffix("") if path.suffix in SUFFIXES else path
    png, pdf = (stem.parent / (stem.name + suffix) for suffix in SUFFIXES)
    for target in (png, pdf):
        if target.exists():
            raise StorageError(f"{target} exists; a figure is never overwritten")
    for target in (png, pdf):
        picture = io.BytesIO()
        with mpl.rc_context({"pdf.fonttype": 42}):  # letters stay letters in the PDF
            figure.savefig(picture, format=target.suffix[1:], dpi=PNG_DPI)
        _write_new(target, picture.getvalue())
    return png, pdf


def _write_new(target: Path, data: bytes) -> None:
    try:
        with target.open("xb") as file:
            file.write(data)
    except OSError as error:
        raise StorageError(f"{target} cannot be written: {error.strerror}") from error
