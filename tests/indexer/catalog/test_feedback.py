"""What shoppers did, counted by rank, on either database."""

from __future__ import annotations

from indexer.catalog.feedback import NO_GARMENT, Feedback, FeedbackKind
from indexer.catalog.repository import Catalog

SHOWN, CLICKED, BOUGHT = FeedbackKind.SHOWN, FeedbackKind.CLICKED, FeedbackKind.BOUGHT


def test_clicks_are_counted_by_rank_over_those_that_were_shown_it(catalog: Catalog) -> None:
    for search, shown in (("a", 3), ("b", 2), ("c", 2)):
        assert catalog.add_feedback(Feedback(search, 0, SHOWN, "", shown))
    for search, product, rank in (("a", "p", 1), ("b", "p", 1), ("a", "q", 3)):
        assert catalog.add_feedback(Feedback(search, 0, CLICKED, product, rank))
    assert catalog.add_feedback(Feedback("a", 0, BOUGHT, "q", 3))
    report = catalog.clicks().to_json()
    assert (report["searches"], report["clicked"], report["bought"]) == (3, 3, 1)
    assert report["by_rank"] == [
        {"rank": 1, "shown": 3, "clicked": 2, "bought": 0, "click_through": 0.6667},
        {"rank": 2, "shown": 3, "clicked": 0, "bought": 0, "click_through": 0.0},
        {"rank": 3, "shown": 1, "clicked": 1, "bought": 1, "click_through": 1.0},
    ]


def test_the_same_told_twice_counts_once(catalog: Catalog) -> None:
    told = Feedback("a", NO_GARMENT, CLICKED, "p", 1)
    assert catalog.add_feedback(told)
    assert not catalog.add_feedback(told)
    assert catalog.add_feedback(Feedback("a", 0, CLICKED, "p", 1))
    (first,) = catalog.clicks().to_json()["by_rank"]
    assert first == {"rank": 1, "shown": 0, "clicked": 2, "bought": 0, "click_through": None}


def test_only_what_was_told_since_a_day_is_counted(catalog: Catalog) -> None:
    catalog.add_feedback(Feedback("a", 0, CLICKED, "p", 1))
    assert catalog.clicks(since="2020-01-01").searches == 1
    assert catalog.clicks(since="2999-01-01").to_json() == {
        "searches": 0, "clicked": 0, "bought": 0, "by_rank": [],
    }  # fmt: skip
