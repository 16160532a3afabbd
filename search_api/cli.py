"""The command `garb`: serve, key, db, and every other package's commands mounted beside them."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer
import uvicorn

from indexer import cli as indexer_cli
from indexer import embedder_cli
from indexer.activation import ActiveVersions
from indexer.bootstrap import make_home, open_storage
from indexer.catalog.rows import ApiKey
from indexer.catalog.session import upgrade
from indexer.feeds.record import unreadable
from indexer.settings import Settings
from search_api import demo
from search_api.app import app_from_environment, version_of_garb
from search_api.auth import KeyScope, is_loopback_host, new_token, open_hasher, shown_part
from search_api.listening import free_port, uvicorn_options
from search_api.rates import MOST_PER_MINUTE
from segmentation import cli as segmentation_cli
from segmentation.errors import GarbError
from segmentation.models import ModelKind
from wardrobe import cli as wardrobe_cli

# What a shell expects of a command that Ctrl-C ended.
INTERRUPTED = 130
# What the databases take.
MOST_KEY_NUMBER = 2**63 - 1
FACTORY = "search_api.app:app_from_environment"


def build() -> typer.Typer:
    """The whole command line."""
    app = typer.Typer(
        name="garb",
        callback=about,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
    )
    versions = ActiveVersions(
        Settings.from_env(os.environ),
        on_progress=lambda done: typer.echo(f"{done} photos embedded", err=True),
    )
    indexer_cli.register(app)
    segmentation_cli.register(app, versions)
    embedder_cli.register(app, versions)
    app.add_typer(wardrobe_cli.app, name="wardrobe")
    demo.register(app, serve=serve)
    app.command("serve")(serve)
    keys = typer.Typer(help="Keys of the HTTP API.", no_args_is_help=True)
    keys.command("create")(create_key)
    keys.command("list")(list_keys)
    keys.command("revoke")(revoke_key)
    app.add_typer(keys, name="key")
    database = typer.Typer(help="The database.", no_args_is_help=True)
    database.command("upgrade")(upgrade_database)
    app.add_typer(database, name="db")
    return app


def print_version(asked: bool) -> None:
    """And no more, where ``--version`` is given."""
    if asked:
        typer.echo(f"garb {version_of_garb()}")
        raise typer.Exit


def about(
    version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=print_version, help="Print Garb's version."
        ),
    ] = False,
) -> None:
    """Find the shop items in a street photo."""


def main() -> None:
    """Entry point: 0 done, 1 failed with one line, 2 wrong usage, 130 stopped by Ctrl-C."""
    try:
        build()()
    except GarbError as error:
        print("garb: " + " ".join(str(error).split()), file=sys.stderr)  # noqa: T201
        sys.exit(1)
    except OSError as error:  # No right to write, no room, no such folder.
        reason = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        print(f"garb: {reason}", file=sys.stderr)  # noqa: T201
        sys.exit(1)
    except UnicodeEncodeError:
        # A file may have any name, a word or an id not: how bytes came in shows by the surrogates.
        if not any(map(unreadable, sys.argv)):
            raise
        print("garb: an argument holds bytes that are not UTF-8", file=sys.stderr)  # noqa: T201
        sys.exit(1)
    except SystemExit as ended:
        if ended.code == INTERRUPTED:
            print("garb: stopped", file=sys.stderr)  # noqa: T201
        raise


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes.")] = 1,
) -> None:
    """Serve the HTTP API and the page."""
    settings = Settings.from_env(os.environ)
    port = free_port(host, port)
    _check_before_serving(settings, host)
    # Each worker is told its share, so that together they use what one would.
    os.environ["GARB_THREADS"] = str(max(1, settings.threads // workers))
    typer.echo(f"Garb answers on http://{_shown_host(host)}:{port}", err=True)
    target = app_from_environment() if workers == 1 else FACTORY
    options = uvicorn_options(host=host, port=port)
    uvicorn.run(target, factory=workers > 1, workers=workers, **options)


def create_key(
    name: Annotated[str, typer.Argument(help="Whose key it is.")],
    scope: Annotated[KeyScope, typer.Option(help="What it may do.")],
    collection: Annotated[
        list[str] | None,
        typer.Option(help="Bind it to a collection, again for more: it sees no other product."),
    ] = None,
    per_minute: Annotated[
        int | None,
        typer.Option(min=1, max=MOST_PER_MINUTE, help="The most requests in any minute."),
    ] = None,
) -> None:
    """Make a key and print it: it is shown this once."""
    if not name.strip() or not name.isprintable():
        raise typer.BadParameter("NAME is one line of text, and not empty")
    bound = _bound_to(collection, scope)
    settings = Settings.from_env(os.environ)
    with open_storage(settings) as storage:
        token = new_token()
        hashed = open_hasher(settings.home).hash(token)
        key = storage.catalog.create_key(
            name,
            scope.value,
            hashed,
            shown_part(token),
            collections=bound,
            per_minute=per_minute,
        )
    typer.echo(token)
    typer.echo(f"key {key.id} for {name} may {_what(key)}; it is not shown again", err=True)


def list_keys() -> None:
    """List the keys by number, never the keys themselves."""
    with open_storage(Settings.from_env(os.environ)) as storage:
        keys = storage.catalog.list_keys()
    for key in keys:
        state = "revoked" if key.revoked else "valid"
        typer.echo(
            f"{key.id:>4}  {state:<8} {key.prefix}…  {key.created}  {key.name}: {_what(key)}"
        )
    if not keys:
        typer.echo("no keys: the server answers only on its own machine", err=True)


def _bound_to(collections: list[str] | None, scope: KeyScope) -> tuple[str, ...] | None:
    """The collections as products name them: stripped, each once."""
    if not collections:
        return None
    if scope is KeyScope.ADMIN:
        raise typer.BadParameter("a key with scope admin is not bound to collections")
    named = tuple(dict.fromkeys(name.strip() for name in collections))
    if not all(named):
        raise typer.BadParameter("--collection needs a name")
    return named


def _what(key: ApiKey) -> str:
    words = [key.scope]
    if key.collections is not None:
        words.append("in " + ", ".join(key.collections))
    if key.per_minute is not None:
        words.append(f"{key.per_minute:,} times a minute")
    return " ".join(words)


def revoke_key(
    key_id: Annotated[
        int, typer.Argument(min=1, max=MOST_KEY_NUMBER, help="Its number in the list.")
    ],
) -> None:
    """Revoke a key: every server refuses it from its next request."""
    with open_storage(Settings.from_env(os.environ)) as storage:
        key = storage.catalog.revoke_key(key_id)
    typer.echo(f"key {key.id} for {key.name} is revoked", err=True)


def upgrade_database() -> None:
    """Bring the database to this version."""
    settings = Settings.from_env(os.environ)
    if settings.database_url.startswith("sqlite"):
        make_home(settings.home)
    typer.echo(upgrade(settings.database_url))


def _check_before_serving(settings: Settings, host: str) -> None:
    """Fail here, in one line, and not in every worker again and again."""
    with open_storage(settings) as storage:
        for kind in (ModelKind.SEGMENTER, ModelKind.PARSER, ModelKind.EMBEDDER):
            storage.active(kind)
        if not is_loopback_host(host) and not storage.catalog.any_key_exists():
            typer.echo(
                "garb: no key exists yet, so only callers on this machine are answered; "
                "make one with: garb key create NAME --scope search",
                err=True,
            )


def _shown_host(host: str) -> str:
    return f"[{host}]" if ":" in host else host
