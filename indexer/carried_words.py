"""The words that products are asked to carry, every one of them."""

from __future__ import annotations

from segmentation.errors import GarbError

# Each is a condition of its own: 50 take 0.1 s to be written as SQL, whatever the catalog holds.
MOST_WORDS = 50


class WordsError(GarbError):
    """Words that cannot be looked for."""


def words_in(text: str) -> tuple[str, ...]:
    """The words of a text in lower case, each once."""
    return tuple(dict.fromkeys(text.lower().split()))


def read_words(text: str) -> str:
    """A text whose words narrow a listing; without any it narrows nothing.

    Raises:
        WordsError: more different words than can be looked for.
    """
    text = text.replace("\x00", " ")
    count = len(words_in(text))
    if count > MOST_WORDS:
        raise WordsError(f"at most {MOST_WORDS} different words, not {count}")
    return text


def read_query(text: str) -> str:
    """A text whose words are searched for.

    Raises:
        WordsError: no word, or more different ones than can be looked for.
    """
    text = read_words(text)
    if not words_in(text):
        raise WordsError("name a word to look for")
    return text
