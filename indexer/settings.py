"""Where things lie and how many threads work: read once from the environment, then passed in."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from segmentation.errors import GarbError
from segmentation.execution import Execution, Profile

# A scan of the exact part takes some 0.03 µs a vector: with as many a search takes 1.5 ms more.
MERGE_FROM = 50_000

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class SettingsError(GarbError):
    """An environment variable that cannot be used; the message names it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What every command and every server needs to know.

    ``images_url``: a folder or any fsspec URL that holds the product photos.
    ``threads``: threads of one inference, at least 1; ``streams``: inferences at once, which share
    them. A server answers a photo soonest with one.
    ``profile``: how exactly the networks are run.
    ``merge_from``: so many vectors that came since are merged into the large part of the index.
    ``samples_dir``: JPEG photos that the server offers to try, None for none.
    ``tags_file``: tags in the shop's own words, for an embedder that reads words; None for none.
    ``photo_networks``: networks beside the public ones that photos may be fetched from.
    ``photo_stores``: prefixes of fsspec URLs that photos may be fetched from.
    """

    home: Path
    database_url: str
    models_dir: Path
    images_url: str
    threads: int
    streams: int = 1
    merge_from: int = MERGE_FROM
    profile: Profile = Profile.DEFAULT
    samples_dir: Path | None = None
    tags_file: Path | None = None
    photo_networks: tuple[Network, ...] = ()
    photo_stores: tuple[str, ...] = ()

    @property
    def snapshot_dir(self) -> Path:
        """Where the index leaves its snapshots."""
        return self.home / "index"

    @property
    def execution(self) -> Execution:
        """How every network is run."""
        return Execution(self.threads, self.streams, self.profile)

    def for_many_photos(self) -> Settings:
        """To get through many photos soonest, where nobody waits for one."""
        return replace(self, streams=self.threads)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> Settings:
        """Read the variables that docs/operate.md lists.

        Raises:
            SettingsError: GARB_THREADS or GARB_MERGE_FROM is not a whole number of at least 1,
                GARB_PROFILE is no profile, GARB_PHOTO_NETWORKS holds what is no network, or GARB_PHOTO_STORES what is no URL.
        """
        home = Path(environ.get("GARB_HOME") or "var").absolute()
        samples, tags = environ.get("GARB_SAMPLES"), environ.get("GARB_TAGS")
        return cls(
            home=home,
            database_url=environ.get("GARB_DATABASE_URL") or f"sqlite:///{home / 'garb.db'}",
            models_dir=Path(environ.get("GARB_MODELS") or home / "models").absolute(),
            images_url=environ.get("GARB_IMAGES") or str(home / "images"),
            # The cores this process may use, which in a container is fewer than the machine has.
            threads=_number(environ, "GARB_THREADS") or _cores(),
            merge_from=_number(environ, "GARB_MERGE_FROM") or MERGE_FROM,
            profile=_profile(environ.get("GARB_PROFILE")),
            samples_dir=Path(samples).absolute() if samples else None,
            tags_file=Path(tags).absolute() if tags else None,
            photo_networks=_networks(environ.get("GARB_PHOTO_NETWORKS")),
            photo_stores=_stores(environ.get("GARB_PHOTO_STORES")),
        )


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def _number(environ: Mapping[str, str], name: str) -> int | None:
    text = environ.get(name)
    if not text:
        return None
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise SettingsError(f"{name} must be a whole number of at least 1, not {text!r}")
    return number


def _profile(text: str | None) -> Profile:
    try:
        return Profile(text or Profile.DEFAULT)
    except ValueError:
        known = ", ".join(Profile)
        raise SettingsError(f"GARB_PROFILE must be one of {known}, not {text!r}") from None


def _networks(text: str | None) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(part) for part in _parts(text))
    except ValueError as error:
        raise SettingsError(f"GARB_PHOTO_NETWORKS: {error}") from error


def _stores(text: str | None) -> tuple[str, ...]:
    stores = _parts(text)
    for store in stores:
        if "://" not in store:
            raise SettingsError(
                f"GARB_PHOTO_STORES: {store!r} is no URL such as s3://bucket/photos"
            )
    return stores


def _parts(text: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())
