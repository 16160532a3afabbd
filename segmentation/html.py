"""HTML from Python values: text is escaped unless it was built here."""

from __future__ import annotations

from html import escape

VOID = frozenset({"meta", "img", "br"})


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def tag(element: str, /, *children: str, **attributes: str | float | None) -> Html:
    """An element. Children that are no `Html` are escaped; attributes always are.

    ``class_`` stands for class, ``aria_label`` for aria-label; an attribute that is None is left
    out. Elements of SVG are written the same way.
    """
    opening = element + "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Html(
        f"<{opening}>" if element in VOID else f"<{opening}>{joined(*children)}</{element}>"
    )


def joined(*children: str) -> Html:
    """One after the other, each escaped unless it is `Html`."""
    return Html("".join(one if isinstance(one, Html) else escape(one) for one in children))
