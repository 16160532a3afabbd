"""A key's requests a minute."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from search_api.errors import TooManyRequests
from search_api.rates import KeyRates
from tests.search_api.conftest import Server, assert_problem, stranger
from tests.search_api.test_auth import bearer


class Clock:
    """Stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("per_minute", [1, 60, 1000])
def test_three_times_the_limit_for_a_minute_gets_the_limit(per_minute: int, tmp_path: Path) -> None:
    clock = Clock()
    processes = [KeyRates(tmp_path, clock=clock), KeyRates(tmp_path, clock=clock)]
    accepted = []
    for number in range(3 * 3 * per_minute):
        clock.now = 1000.0 + number * 60 / (3 * per_minute)
        try:
            processes[number % 2].take(1, per_minute=per_minute)
            accepted.append(clock.now)
        except TooManyRequests as error:
            wait = int(error.headers["Retry-After"])
            assert 1 <= wait <= 60
            # Not a second too late either: who waits as told is let in, and no earlier second.
            assert wait == math.ceil(accepted[-per_minute] + 60 - clock.now)
    # In three minutes three times the limit, in no minute more than it.
    assert abs(len(accepted) - 3 * per_minute) <= 1
    assert all(
        later - earlier > 60 - 1e-6
        for earlier, later in zip(accepted, accepted[per_minute:], strict=False)
    )


def test_processes_that_take_together_take_the_limit_together(tmp_path: Path) -> None:
    def take(_: int) -> bool:
        try:
            # Each with a file and a lock of its own, as in another process.
            KeyRates(tmp_path).take(1, per_minute=100)
        except TooManyRequests:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(take, range(400))) == 100


def test_restart_of_the_machine_opens_a_new_minute(tmp_path: Path) -> None:
    clock = Clock()
    rates = KeyRates(tmp_path, clock=clock)
    rates.take(1, per_minute=1)
    clock.now = 3.0
    rates.take(1, per_minute=1)
    with pytest.raises(TooManyRequests):
        rates.take(1, per_minute=1)


def test_where_no_file_can_be_written_requests_are_let_in(tmp_path: Path) -> None:
    (tmp_path / "rates").write_text("no folder")
    for _ in range(3):
        KeyRates(tmp_path / "rates").take(1, per_minute=1)


def test_keys_do_not_use_up_each_others_minute(tmp_path: Path) -> None:
    rates = KeyRates(tmp_path, clock=Clock())
    rates.take(1, per_minute=1)
    rates.take(2, per_minute=1)
    with pytest.raises(TooManyRequests):
        rates.take(1, per_minute=1)


def test_limit_over_http_is_a_problem_that_says_when_to_come_back(server: Server) -> None:
    client = stranger(server.app)
    limited = bearer(server.key("search", per_minute=5))
    statuses = [client.get("/v1/index", headers=limited).status_code for _ in range(15)]
    assert statuses == [200] * 5 + [429] * 10
    refused = client.get("/v1/products", headers=limited)
    assert_problem(refused, 429)
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert client.get("/v1/index", headers=bearer(server.key("search"))).status_code == 200
    assert client.get("/livez", headers=limited).status_code == 200


def test_body_of_a_refused_request_is_not_read(server: Server) -> None:
    client = stranger(server.app)
    limited = bearer(server.key("write", per_minute=1))
    assert client.get("/v1/index", headers=limited).status_code == 200
    answer = client.put("/v1/products/a", content=b"no JSON", headers=limited)
    assert_problem(answer, 429)
