"""Filter expressions: text → syntax tree. The catalog turns the tree into SQL.

    filter     = and_group , { "OR" , and_group } ;
    and_group  = term , { "AND" , term } ;
    term       = "(" , filter , ")" | comparison ;
    comparison = field , ( "=" | "!=" | "<" | "<=" | ">" | ">=" ) , value
               | field , "IN" , "(" , value , { "," , value } , ")" ;

A field is a bare word or a quoted string; a value is a number, a bare word or a quoted string.
Quotes are single or double, a backslash takes the next character as it is, and AND, OR and IN
are read in any case: ``(brand = "Acme" OR brand = 'Zed') AND price < 100``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from indexer.errors import FilterError

OPERATORS = ("=", "!=", "<", "<=", ">", ">=", "IN")
MAX_LENGTH = 4_000
MAX_DEPTH = 30

_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<quoted>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<word>[\w.+-]+)
      | (?P<symbol><=|>=|!=|<>|[=<>(),])""",
    re.VERBOSE | re.DOTALL,
)
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_KEYWORDS = ("AND", "OR", "IN")


@dataclass(frozen=True, slots=True)
class Comparison:
    """``field operator value``; ``IN`` has one value or more, every other operator exactly one."""

    field: str
    operator: str
    values: tuple[str | float, ...]

    def __str__(self) -> str:
        values = ", ".join(_value_text(value) for value in self.values)
        shown = f"({values})" if self.operator == "IN" else values
        return f"{_field_text(self.field)} {self.operator} {shown}"


@dataclass(frozen=True, slots=True)
class And:
    """Every part holds. Two parts or more."""

    parts: tuple[Filter, ...]

    def __str__(self) -> str:
        return " AND ".join(_grouped(part) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Or:
    """Some part holds. Two parts or more."""

    parts: tuple[Filter, ...]

    def __str__(self) -> str:
        return " OR ".join(_grouped(part) for part in self.parts)


Filter = Comparison | And | Or


def parse_filter(text: str) -> Filter:
    """Read an expression; ``str()`` of the result reads back as the same tree.

    Raises:
        FilterError: with the column, from 1, where it went wrong.
    """
    if len(text) > MAX_LENGTH:
        raise FilterError(f"the filter is longer than {MAX_LENGTH:,} characters", column=MAX_LENGTH)
    parser = _Parser(_tokens(text), end_column=len(text.rstrip()) + 1)
    tree = parser.filter(depth=0)
    parser.expect_end()
    return tree


class _Token(NamedTuple):
    kind: str  # word, number, string, symbol or keyword
    text: str
    column: int


def _tokens(text: str) -> list[_Token]:
    tokens = []
    position = 0
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None:
            wrong = text[position]
            what = "a quote that is never closed" if wrong in "\"'" else f"unexpected {wrong!r}"
            raise FilterError(what, column=position + 1)
        if found.lastgroup != "space":
            tokens.append(_token(found))
        position = found.end()
    return tokens


def _token(found: re.Match[str]) -> _Token:
    text, column = found.group(), found.start() + 1
    if found.lastgroup == "quoted":
        return _Token("string", re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL), column)
    if found.lastgroup == "symbol":
        return _Token("symbol", "!=" if text == "<>" else text, column)
    if text.upper() in _KEYWORDS:
        return _Token("keyword", text.upper(), column)
    return _Token("number" if _NUMBER.fullmatch(text) else "word", text, column)


class _Parser:
    """Recursive descent over the tokens, one method a rule of the grammar above."""

    def __init__(self, tokens: list[_Token], *, end_column: int) -> None:
        self._tokens = tokens
        self._next = 0
        self._end = _Token("end", "", end_column)

    def filter(self, *, depth: int) -> Filter:
        if depth > MAX_DEPTH:
            raise self._wrong(f"more than {MAX_DEPTH} brackets inside each other")
        parts = [self._and_group(depth)]
        while self._take("keyword", "OR"):
            parts.append(self._and_group(depth))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def expect_end(self) -> None:
        if self._peek().kind != "end":
            raise self._expected("AND, OR or the end")

    def _and_group(self, depth: int) -> Filter:
        parts = [self._term(depth)]
        while self._take("keyword", "AND"):
            parts.append(self._term(depth))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _term(self, depth: int) -> Filter:
        if not self._take("symbol", "("):
            return self._comparison()
        inside = self.filter(depth=depth + 1)
        self._require("symbol", ")", "AND, OR or )")
        return inside

    def _comparison(self) -> Comparison:
        field = self._peek()
        if field.kind not in ("word", "string") or not field.text:
            raise self._expected("a field")
        self._next += 1
        if self._take("keyword", "IN"):
            return Comparison(field.text, "IN", self._value_list())
        operator = self._peek()
        if operator.kind != "symbol" or operator.text not in OPERATORS:
            raise self._expected(f"one of {' '.join(OPERATORS)}")
        self._next += 1
        return Comparison(field.text, operator.text, (self._value(),))

    def _value_list(self) -> tuple[str | float, ...]:
        self._require("symbol", "(", "(")
        values = [self._value()]
        while self._take("symbol", ","):
            values.append(self._value())
        self._require("symbol", ")", ", or )")
        return tuple(values)

    def _value(self) -> str | float:
        token = self._peek()
        if token.kind not in ("number", "word", "string"):
            raise self._expected("a value")
        if token.kind != "number":
            self._next += 1
            return token.text
        value = float(token.text)
        if value in (float("inf"), float("-inf")):
            raise self._wrong("a number too large to compare with")
        self._next += 1
        return value

    def _peek(self) -> _Token:
        return self._tokens[self._next] if self._next < len(self._tokens) else self._end

    def _take(self, kind: str, text: str) -> bool:
        token = self._peek()
        found = token.kind == kind and token.text == text
        self._next += found
        return found

    def _require(self, kind: str, text: str, wanted: str) -> None:
        if not self._take(kind, text):
            raise self._expected(wanted)

    def _expected(self, wanted: str) -> FilterError:
        token = self._peek()
        found = "the end" if token.kind == "end" else repr(token.text)
        return self._wrong(f"expected {wanted}, found {found}")

    def _wrong(self, message: str) -> FilterError:
        return FilterError(message, column=self._peek().column)


def _grouped(part: Filter) -> str:
    return str(part) if isinstance(part, Comparison) else f"({part})"


def _field_text(field: str) -> str:
    bare = re.fullmatch(r"[\w.+-]+", field) and not _NUMBER.fullmatch(field)
    return field if bare and field.upper() not in _KEYWORDS else _quoted(field)


def _value_text(value: str | float) -> str:
    if isinstance(value, str):
        return _quoted(value)
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
