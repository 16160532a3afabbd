from __future__ import annotations

from segmentation.html import Html, joined, tag


def test_text_is_escaped_and_elements_are_not() -> None:
    assert tag("p", "a < b & c", tag("b", "d")) == "<p>a &lt; b &amp; c<b>d</b></p>"
    assert joined("<", Html("<br>")) == "&lt;<br>"


def test_attributes_are_escaped_renamed_and_left_out() -> None:
    made = tag("i", class_='a"b', aria_hidden="true", title=None, width=3)
    assert made == '<i class="a&quot;b" aria-hidden="true" width="3"></i>'


def test_elements_without_content_are_not_closed() -> None:
    assert tag("img", src="x", alt="") == '<img src="x" alt="">'
