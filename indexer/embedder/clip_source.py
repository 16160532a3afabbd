"""``clip:…`` → a network and its tokenizer, by open_clip. Needs torch: only the import reads this.

``clip:MODEL/TAG`` and ``clip:hf-hub:NAME`` are fetched; ``clip:MODEL:/path`` is a checkpoint here.
"""

from __future__ import annotations

import difflib
import logging
import socket
import urllib.request
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import huggingface_hub.constants as hub
import open_clip
from huggingface_hub.errors import LocalEntryNotFoundError
from open_clip.pretrained import get_pretrained_cfg

from segmentation.errors import ModelError

HUB = "hf-hub:"
_FORMS = "clip:MODEL/TAG, clip:hf-hub:NAME or clip:MODEL:/path"
_PROBE_SECONDS = 5
_UNREACHED = (ConnectionError, TimeoutError, socket.gaierror, LocalEntryNotFoundError)


@dataclass(frozen=True, slots=True)
class ClipSource:
    """``model``: open_clip's name, or ``hf-hub:`` and the hub's. One of tag and checkpoint, or none."""

    model: str
    tag: str | None = None
    checkpoint: Path | None = None

    def __str__(self) -> str:
        """What the card says: a checkpoint without the folders of this machine."""
        if self.checkpoint is not None:
            return f"clip:{self.model}:{self.checkpoint.name}"
        return f"clip:{self.model}" + (f"/{self.tag}" if self.tag else "")


@dataclass(frozen=True, slots=True, eq=False)
class LoadedClip:
    """An open_clip model in evaluation mode, and the tokenizer that belongs to it."""

    network: Any
    tokenizer: Any


def parse_source(text: str) -> ClipSource:
    """What stands behind ``clip:``.

    Raises:
        ModelError: none of the three forms, or a model or tag that open_clip does not know.
    """
    if text.startswith(HUB):
        if not text.removeprefix(HUB):
            raise ModelError(f"no name behind {HUB}: write {_FORMS}")
        return ClipSource(text)
    model, colon, path = text.partition(":")
    if colon and path:
        return ClipSource(_known_model(model), checkpoint=Path(path))
    model, slash, tag = text.rpartition("/")
    if not (slash and tag):
        raise ModelError(f"clip:{text} names no weights: write {_FORMS}")
    model = _known_model(model)
    if not get_pretrained_cfg(model, tag):
        tags = ", ".join(open_clip.list_pretrained_tags_by_model(model)) or "none"
        raise ModelError(f"open_clip has no weights {tag!r} of {model}; there are: {tags}")
    return ClipSource(model, tag=tag)


def load_clip(source: ClipSource) -> LoadedClip:
    """Fetch or read the weights; the network is in float32.

    Raises:
        ModelError: no network and not fetched before, no such file, or a checkpoint that does not
            fit the model.
    """
    if source.checkpoint is not None and not source.checkpoint.is_file():
        raise ModelError(f"{source.checkpoint}: no such file")
    # Some weights need an activation that the model of that name lacks; open_clip only warns.
    quick_gelu = bool(get_pretrained_cfg(source.model, source.tag or "").get("quick_gelu"))
    try:
        with _silence(), _no_retries_without_network():
            network = open_clip.create_model(
                source.model,
                pretrained=source.tag or (source.checkpoint and str(source.checkpoint)),
                force_quick_gelu=quick_gelu,
                require_pretrained=True,
            )
            tokenizer = open_clip.get_tokenizer(source.model)
    except Exception as error:  # Loaders, unpicklers, the hub and its client raise their own kinds.
        raise ModelError(f"{source}: {_reason(error, source)}") from error
    return LoadedClip(network.eval(), tokenizer)


def _known_model(name: str) -> str:
    model = name.replace("/", "-")
    models = open_clip.list_models()
    if model in models:
        return model
    near = ", ".join(difflib.get_close_matches(model, models, n=4, cutoff=0.4))
    raise ModelError(
        f"open_clip has no model {name!r}" + (f"; did you mean one of: {near}?" if near else "")
    )


def _reason(error: BaseException, source: ClipSource) -> str:
    chain = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) is not None:
        chain.append(cause)
    if any(isinstance(one, _UNREACHED) for one in chain):
        return (
            f"{urlsplit(hub.ENDPOINT).hostname} cannot be reached, and what is needed of it was not "
            "fetched before; without a network import a checkpoint: clip:MODEL:/path"
        )
    if isinstance(error, ImportError):
        return f"it needs a package that is not installed ({error})"
    first_sentence = str(error).partition("\n")[0].partition(". ")[0]
    if source.checkpoint is not None:
        return f"not a checkpoint of {source.model} ({first_sentence})"
    return first_sentence


@contextmanager
def _silence() -> Iterator[None]:
    """open_clip and the hub's client log what the one line says in the end."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


@contextmanager
def _no_retries_without_network() -> Iterator[None]:
    """The hub's client asks again for up to a minute; without a network only its cache is left."""
    before = hub.HF_HUB_OFFLINE
    hub.HF_HUB_OFFLINE = before or not _hub_answers()
    try:
        yield
    finally:
        hub.HF_HUB_OFFLINE = before


def _hub_answers() -> bool:
    address = urlsplit(hub.ENDPOINT)
    if address.scheme in urllib.request.getproxies():
        return True  # Only the proxy can tell.
    port = address.port or (80 if address.scheme == "http" else 443)
    try:
        socket.create_connection((address.hostname or "", port), timeout=_PROBE_SECONDS).close()
    except OSError:
        return False
    return True
