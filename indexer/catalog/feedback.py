"""What shoppers did with their matches. Neither the photo nor who asked is kept."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from indexer.catalog.convert import now
from indexer.catalog.models import feedback
from indexer.catalog.session import Database

# The ranks that a report counts one by one, as many as a garment may have matches.
MOST_RANKS = 100
# Of an answer without garments: to words, or to a product.
NO_GARMENT = -1


class FeedbackKind(StrEnum):
    """What happened. SHOWN: the matches of a garment were on the screen."""

    SHOWN = "shown"
    CLICKED = "clicked"
    BOUGHT = "bought"


@dataclass(frozen=True, slots=True)
class Feedback:
    """``search``: the answer's request id; ``garment``: its place in the answer, from 0, or `NO_GARMENT`.

    ``rank``: the match's, from 1; of SHOWN how many matches were shown, ``product_id`` then empty.
    """

    search: str
    garment: int
    kind: FeedbackKind
    product_id: str
    rank: int


@dataclass(frozen=True, slots=True)
class RankClicks:
    """How often a rank was shown, clicked and bought."""

    rank: int
    shown: int
    clicked: int
    bought: int

    def to_json(self) -> dict[str, Any]:
        through = round(self.clicked / self.shown, 4) if self.shown else None
        return {
            "rank": self.rank,
            "shown": self.shown,
            "clicked": self.clicked,
            "bought": self.bought,
            "click_through": through,
        }


@dataclass(frozen=True, slots=True)
class ClickReport:
    """``searches``: answers that anything was told of; ``by_rank``: as far as anything happened."""

    searches: int
    by_rank: tuple[RankClicks, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "searches": self.searches,
            "clicked": sum(one.clicked for one in self.by_rank),
            "bought": sum(one.bought for one in self.by_rank),
            "by_rank": [one.to_json() for one in self.by_rank],
        }


class FeedbackRows(Database):
    """Feedback as it was told, each once."""

    def add_feedback(self, told: Feedback) -> bool:
        """Store it; False where the same was told before."""
        known = sa.select(feedback.c.id).where(
            feedback.c.search == told.search,
            feedback.c.garment == told.garment,
            feedback.c.kind == told.kind.value,
            feedback.c.product_id == told.product_id,
        )
        values = {
            "search": told.search,
            "garment": told.garment,
            "kind": told.kind.value,
            "product_id": told.product_id,
            "rank": told.rank,
            "created": now(),
        }
        with self.writing() as writing:
            if writing.connection.execute(known).first() is not None:
                return False
            writing.connection.execute(sa.insert(feedback).values(values))
        return True

    def clicks(self, *, since: str = "") -> ClickReport:
        """Counts by rank of all that was told from ``since`` (ISO 8601, UTC) on."""
        told = feedback.c.created >= since
        counted = (
            sa.select(feedback.c.kind, feedback.c.rank, sa.func.count())
            .where(told)
            .group_by(feedback.c.kind, feedback.c.rank)
        )
        searches = sa.select(sa.func.count(sa.distinct(feedback.c.search))).where(told)
        with self.reading() as connection:
            total = connection.execute(searches).scalar_one()
            counts = {(row[0], row[1]): row[2] for row in connection.execute(counted)}
        last = max((rank for _, rank in counts), default=0)

        def of(kind: FeedbackKind, rank: int) -> int:
            return int(counts.get((kind.value, rank), 0))

        return ClickReport(
            total,
            tuple(
                RankClicks(
                    rank,
                    # Who was shown ten matches was shown the third.
                    sum(of(FeedbackKind.SHOWN, shown) for shown in range(rank, last + 1)),
                    of(FeedbackKind.CLICKED, rank),
                    of(FeedbackKind.BOUGHT, rank),
                )
                for rank in range(1, last + 1)
            ),
        )
