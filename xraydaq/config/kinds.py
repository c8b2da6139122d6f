"""Which kind of configuration file a table is, by its keys."""

from xraydaq.config.models import FILES
from xraydaq.config.source import Document
from xraydaq.config.validate import fields_of
from xraydaq.errors import ConfigError


def kind_of(document: Document) -> str | None:
    """Get the kind whose own keys the file has most of; None when it has none of any."""
    own = {kind: set(fields_of(model)) - {"name", "note", "description"} for kind, model in FILES.items()}
    score = {kind: len(keys & set(document.data)) for kind, keys in own.items()}
    best = max(score, key=lambda kind: score[kind])
    return best if score[best] else None


def require_kind(document: Document, wanted: str) -> None:
    """Refuse a file that is clearly of another kind, in one sentence instead of one for each key."""
    found = kind_of(document)
    if found not in (None, wanted):
        raise ConfigError(f"{document.origin(())}: this is a {found} file; a {wanted} file is wanted here")
