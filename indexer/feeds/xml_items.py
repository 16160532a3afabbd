"""The items of an RSS or Atom feed, read as they come: no tree, no entities, no outside files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.parsers import expat

from indexer.errors import FeedError
from indexer.feeds.google_fields import google_name
from indexer.feeds.record import MAX_ID_CHARACTERS, BadRow

Values = dict[str, list[str]]

MAX_ITEM_CHARACTERS = 1024 * 1024
# A tag or comment; expat reads one that goes on and on from its start with every block.
MAX_TAG_BYTES = 1024 * 1024
_BLOCK_BYTES = 64 * 1024
_ROOTS = frozenset(("rss", "feed", "rdf"))
_ITEMS = frozenset(("item", "entry"))
_GOOGLE = "http://base.google.com/ns/1.0"
_MAX_DEPTH = 32
_MAX_ELEMENTS = 10_000


class XmlItems:
    """Items as lists of texts by attribute; ``g:id`` goes before a plain ``id``."""

    def __init__(self, path: Path) -> None:
        """Read as far as the root element.

        Raises:
            FeedError: not XML, another root, or a document type definition (which could define
                entities that unfold to gigabytes or name files of this machine).
            OSError: the file cannot be read.
        """
        self.path = path
        reading = _Reading()
        try:
            with path.open("rb") as file:
                while not reading.root and (block := file.read(_BLOCK_BYTES)):
                    reading.feed(block)
        except (expat.ExpatError, LookupError, ValueError) as error:
            # Broken further down, behind a good root: the items say where.
            if not reading.root:
                raise FeedError(f"{path}: {_reason(error)}") from error
        if not reading.root:
            raise FeedError(f"{path}: the feed is empty")
        if reading.root not in _ROOTS:
            raise FeedError(f"{path}: the root is <{reading.root}>, not that of RSS or Atom")

    def __iter__(self) -> Iterator[tuple[int, Values | BadRow]]:
        """Every item with its line. What follows broken XML is one bad row."""
        reading = _Reading()
        with self.path.open("rb") as file:
            try:
                while block := file.read(_BLOCK_BYTES):
                    reading.feed(block)
                    yield from reading.take()
                reading.parser.Parse(b"", True)
            except (expat.ExpatError, LookupError, ValueError) as error:
                yield from reading.take()
                line = reading.parser.CurrentLineNumber
                yield line, BadRow(line, None, f"{_reason(error)}; nothing after it can be read")
        yield from reading.take()

    def count_hint(self) -> int:
        """About how many items there are."""
        count = 0
        with self.path.open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                count += block.count(b"<item") + block.count(b"<entry")
        return count


class _Reading:
    """What expat calls back to: where it is, the item it is in, and the items that are whole."""

    def __init__(self) -> None:
        self.root = ""
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters
        self.parser.StartDoctypeDeclHandler = self._refuse_doctype
        self._bytes_read = 0
        self._path: list[str] = []
        self._done: list[tuple[int, Values | BadRow]] = []
        self._leave_item()

    def feed(self, block: bytes) -> None:
        """Parse the next block. Raises ExpatError and, for what no feed holds, ValueError."""
        self.parser.Parse(block, False)
        self._bytes_read += len(block)
        if self._bytes_read - self.parser.CurrentByteIndex > MAX_TAG_BYTES:
            raise ValueError(f"a tag or a comment has more than {MAX_TAG_BYTES:,} bytes")

    def take(self) -> list[tuple[int, Values | BadRow]]:
        """The items finished since the last call."""
        done, self._done = self._done, []
        return done

    def _leave_item(self) -> None:
        self._line = 0
        self._item_depth = 0
        self._google: Values = {}
        self._plain: Values = {}
        self._texts: list[str] = []
        self._parts: list[str] = []
        self._characters_read = 0
        self._elements = 0

    def _refuse_doctype(self, *_: object) -> None:
        raise ValueError("a document type definition is not allowed in a feed")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(" ")[2]
        self.root = self.root or local.lower()
        self._path.append(name)
        if len(self._path) > _MAX_DEPTH:
            raise ValueError(f"elements lie more than {_MAX_DEPTH} deep")
        if not self._item_depth:
            if local in _ITEMS:
                self._item_depth = len(self._path)
                self._line = self.parser.CurrentLineNumber
            return
        self._elements += 1
        if self._elements > _MAX_ELEMENTS:
            raise ValueError(f"an item has more than {_MAX_ELEMENTS:,} elements")
        below = len(self._path) - self._item_depth
        if below == 1:
            self._parts = []
            # Atom: <link href="…"/>
            is_link = "href" in attributes and attributes.get("rel", "alternate") == "alternate"
            self._texts = [attributes["href"]] if is_link else []
        elif below == 2:
            self._texts = []

    def _characters(self, text: str) -> None:
        if self._item_depth:
            self._characters_read += len(text)
            if self._characters_read <= MAX_ITEM_CHARACTERS:
                self._texts.append(text)

    def _end(self, name: str) -> None:
        below = len(self._path) - self._item_depth
        self._path.pop()
        if not self._item_depth or below > 2:
            return
        if below == 0:
            self._done.append((self._line, self._item()))
            self._leave_item()
            return
        text = "".join(self._texts).strip()
        self._texts = []
        if below == 2:
            self._parts.append(text)
            return
        namespace, _, local = name.rpartition(" ")
        values = self._google if namespace == _GOOGLE else self._plain
        # <g:shipping><g:country>DE</g:country>… as the table writes it: DE:…
        value = ":".join(self._parts) if self._parts else text
        values.setdefault(google_name(local), []).append(value)

    def _item(self) -> Values | BadRow:
        values = self._plain | self._google
        if self._characters_read > MAX_ITEM_CHARACTERS:
            identifier = values.get("id", [""])[0][:MAX_ID_CHARACTERS] or None
            reason = f"the item has {self._characters_read:,} characters"
            return BadRow(self._line, identifier, f"{reason}; at most {MAX_ITEM_CHARACTERS:,}")
        return values


def _reason(error: Exception) -> str:
    if isinstance(error, expat.ExpatError):
        return f"not XML: {error}"
    return str(error)
