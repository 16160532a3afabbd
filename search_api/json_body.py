"""Bodies of JSON: capped in values before any is made, and read beside the event loop.

A body that is being read keeps the interpreter to itself: 32 MB of empty objects for half a second and
650 MB, 32 MB of a photo in base64 for 40 ms.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from search_api.errors import BodyTooLarge
from search_api.state import ApiState, state_of

T = TypeVar("T")


async def read_json(request: Request, read: Callable[[bytes], T]) -> T:
    """What ``read`` makes of the body, on a thread and one body at a time.

    Raises:
        BodyTooLarge: it may hold more values than `Limits.json_values`.
    """
    body = await request.body()
    state = state_of(request)
    return await one_at_a_time(state, partial(_read, body, read, state.limits.json_values))


async def one_at_a_time(state: ApiState, work: Callable[[], T]) -> T:
    """Do this beside the event loop when no other such work is under way: each would hold up the rest."""
    async with state.reading_json:
        return await run_in_threadpool(work)


def _read(body: bytes, read: Callable[[bytes], T], most_values: int) -> T:
    # Values are told apart by commas, in every encoding that JSON may have.
    if body.count(b",") >= most_values:
        raise BodyTooLarge(f"the body holds more than {most_values:,} values")
    return read(body)
