"""A Chromium that looks at the page as a shopper does; skipped where there is none."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect, sync_playwright

from indexer.catalog.repository import open_catalog
from tests.browser.shop import Shop, fill, open_shop, street_jpeg

NAMES = ("chromium", "chromium-browser", "google-chrome")
PATIENCE_MS = 30_000
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.browser)
            # Together they take a minute or two: each opens the page anew.
            item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.timeout(600))


def chromium() -> str | None:
    """GARB_CHROMIUM, or the first Chromium on the PATH."""
    given = os.environ.get("GARB_CHROMIUM")
    return given or next((found for name in NAMES if (found := shutil.which(name))), None)


# A running Playwright keeps an event loop on this thread: it must end with this folder.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    path = chromium()
    if path is None:
        pytest.skip(f"no Chromium: GARB_CHROMIUM is not set, and none of {', '.join(NAMES)} found")
    # A busy machine is slow, not wrong.
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        # A camera that shows a moving picture; like a real one, no page has it unasked.
        opened = playwright.chromium.launch(
            executable_path=path, args=["--use-fake-device-for-media-stream"]
        )
        yield opened
        opened.close()


@pytest.fixture(scope="package")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty database."""
    path = tmp_path_factory.mktemp("database") / "garb.db"
    open_catalog(f"sqlite:///{path}").close()
    return path


@pytest.fixture(scope="package")
def shop(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """The shop that most tests only look at."""
    home = tmp_path_factory.mktemp("shop")
    shutil.copy(migrated, home / "garb.db")
    with open_shop(home) as opened:
        fill(opened)
        yield opened


@pytest.fixture
def own_shop(migrated: Path, tmp_path: Path) -> Iterator[Shop]:
    """A shop for one test, empty, to be changed at will."""
    shutil.copy(migrated, tmp_path / "garb.db")
    with open_shop(tmp_path) as opened:
        yield opened


class Visitor:
    """Opens pages and notes what no page may do: fail, or ask another host for anything."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._contexts = ExitStack()
        self.faults: list[str] = []
        self.asked: list[str] = []

    def page(
        self,
        url: str,
        *,
        width: int = 1280,
        height: int = 850,
        scheme: str = "light",
        phone: bool = False,
        camera: bool = False,
    ) -> Page:
        """A fresh visitor at this address.

        ``phone``: a finger instead of a mouse; ``camera``: pages may use it.
        """
        context: BrowserContext = self._browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if scheme == "dark" else "light",
            has_touch=phone,
            is_mobile=phone,
            reduced_motion="reduce",
            locale="en-GB",
            permissions=["camera"] if camera else [],
        )
        self._contexts.callback(context.close)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("request", self._note)
        page.on("console", lambda line: self._hear(line.text))
        page.goto(url)
        return page

    def _note(self, request: Request) -> None:
        self.asked.append(request.url)

    def _hear(self, text: str) -> None:
        if "Content Security Policy" in text or "Content-Security-Policy" in text:
            self.faults.append(text)

    def close(self) -> None:
        self._contexts.close()


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Visitor]:
    made = Visitor(browser)
    yield made
    made.close()
    assert made.faults == []
    abroad = [url for url in made.asked if not url.startswith(("http://127.0.0.1:", "blob:"))]
    assert abroad == []


@pytest.fixture
def page(visitor: Visitor, shop: Shop) -> Page:
    """The page of the filled shop, just opened."""
    return visitor.page(shop.url)


@pytest.fixture(scope="session")
def street_photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photo") / "street.jpg"
    path.write_bytes(street_jpeg())
    return path


@pytest.fixture
def shoot(tmp_path: Path) -> Callable[[Page, str], Path]:
    """Leave a screenshot in the test's folder; GARB_SCREENSHOTS names another."""
    folder = Path(os.environ.get("GARB_SCREENSHOTS", str(tmp_path)))

    def shot(page: Page, name: str) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}.png"
        page.screenshot(path=path)
        assert path.stat().st_size > 0
        return path

    return shot
