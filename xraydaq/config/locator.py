"""Which line of a TOML text a key stands on.

tomllib forgets positions. This scanner reads only text that tomllib has accepted, so it needs to know where keys,
strings, comments and brackets begin and end, and nothing about what values mean.
"""

import tomllib

KeyPath = tuple[str, ...]
"""A dotted key, split: ``("parameters", "bias")``."""


def locate_keys(text: str) -> dict[KeyPath, int]:
    """Get the line (from 1) of every table and key of a valid TOML text.

    Keys inside an inline table are not listed: they share the line of the key that holds the table (`line_of`).
    The elements of an array of tables are counted: ``("point", "0", "bias")``.
    """
    return _Scanner(text).run()


def line_of(lines: dict[KeyPath, int], path: KeyPath) -> int:
    """Get the line of `path`, or of the nearest table that holds it; 1 when nothing does."""
    while path:
        if path in lines:
            return lines[path]
        path = path[:-1]
    return 1


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._lines: dict[KeyPath, int] = {}
        self._array_lengths: dict[KeyPath, int] = {}

    def run(self) -> dict[KeyPath, int]:
        table: KeyPath = ()
        while self._skip_to_statement():
            line = self._text.count("\n", 0, self._at) + 1
            if self._text[self._at] == "[":
                table = self._header()
                self._note((), table, line)
            else:
                start = self._at
                self._skip_until("=")
                self._note(table, _split(self._text[start : self._at]), line)
                self._at += 1
                self._skip_until("\n")
        return self._lines

    def _note(self, table: KeyPath, key: KeyPath, line: int) -> None:
        for length in range(1, len(key) + 1):
            self._lines.setdefault(table + key[:length], line)

    def _skip_to_statement(self) -> bool:
        while self._at < len(self._text):
            if self._text[self._at] == "#":
                self._skip_comment()
            elif self._text[self._at].isspace():
                self._at += 1
            else:
                return True
        return False

    def _header(self) -> KeyPath:
        is_array = self._text.startswith("[[", self._at)
        self._at += 2 if is_array else 1
        start = self._at
        self._skip_until("]")
        name = _split(self._text[start : self._at])
        self._at += 2 if is_array else 1
        self._skip_until("\n")
        if is_array:
            index = self._array_lengths.get(self._resolve(name), -1) + 1
            self._array_lengths[self._resolve(name)] = index
            return (*self._resolve(name), str(index))
        return self._resolve(name)

    def _resolve(self, name: KeyPath) -> KeyPath:
        """Insert the index of the current element behind every array of tables that `name` passes through."""
        path: KeyPath = ()
        for position, part in enumerate(name):
            path = (*path, part)
            if position < len(name) - 1 and path in self._array_lengths:
                path = (*path, str(self._array_lengths[path]))
        return path

    def _skip_until(self, wanted: str) -> None:
        """Move to the next `wanted` character outside strings, comments and brackets, or to the end."""
        depth = 0
        while self._at < len(self._text):
            character = self._text[self._at]
            if character == wanted and depth == 0:
                return
            if character in "\"'":
                self._skip_string()
            elif character == "#":
                self._skip_comment()
            else:
                depth += (character in "[{") - (character in "]}")
                self._at += 1

    def _skip_comment(self) -> None:
        end = self._text.find("\n", self._at)
        self._at = len(self._text) if end < 0 else end

    def _skip_string(self) -> None:
        quote = self._text[self._at]
        is_long = self._text.startswith(quote * 3, self._at)
        closing = quote * 3 if is_long else quote
        self._at += len(closing)
        while not self._text.startswith(closing, self._at) and self._at < len(self._text):
            escaped = quote == '"' and self._text[self._at] == "\\"
            self._at += 2 if escaped else 1
        self._at += len(closing)
        while is_long and self._text.startswith(
            quote, self._at
        ):  # up to two quotes may stand before the closing three
            self._at += 1


def _split(key: str) -> KeyPath:
    """Split a dotted key as it is written; tomllib itself undoes quotes and escapes."""
    parsed = tomllib.loads(f"{key.strip()} = 0")
    path: KeyPath = ()
    while isinstance(parsed, dict):
        ((name, parsed),) = parsed.items()
        path = (*path, name)
    return path
