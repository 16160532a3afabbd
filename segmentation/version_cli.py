"""The commands that every kind of model has: list, activate, export, import."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Protocol

import typer
from rich.console import Console

from segmentation.errors import ModelError
from segmentation.models import ModelKind, ModelStore, ModelVersion

_stderr = Console(stderr=True)

# The name behind ``SCHEME:`` on the command line → a version made of what it names.
Importer = Callable[[str], ModelVersion]

VersionArgument = Annotated[str, typer.Argument(metavar="VERSION", help="As `list` names it.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]


class Versions(Protocol):
    """Where versions are kept and which one is active: the database's business, not this package's."""

    def store(self) -> ModelStore: ...

    def active(self, kind: ModelKind) -> ModelVersion: ...

    def activate(self, version: ModelVersion, *, force: bool) -> None: ...

    def coverage(self, kind: ModelKind) -> Mapping[str, float]:
        """Version → the share of the catalog's photos that are ready to be searched with it."""
        ...


def add_version_commands(
    app: typer.Typer,
    kind: ModelKind,
    versions: Versions,
    *,
    schemes: Mapping[str, Importer] = MappingProxyType({}),
) -> None:
    """The commands every kind of model has: list, activate, export, import.

    ``schemes``: what else than a zip can be imported, as ``SCHEME:NAME``.
    """

    @app.command("list")
    def list_versions(as_json: JsonOption = False) -> None:
        """List the versions and how much of the catalog is ready for each; the active one is marked."""
        active = _active_name(versions, kind)
        coverage = versions.coverage(kind)
        listed = versions.store().list(kind)
        if as_json:
            rows = [
                {
                    "version": version.name,
                    "active": version.name == active,
                    "coverage": round(coverage.get(version.name, 0.0), 4),
                    "card": str(version.card_path),
                    "figures": version.card.get("figures"),
                }
                for version in listed
            ]
            typer.echo(json.dumps(rows, ensure_ascii=False))
            return
        for version in listed:
            mark = "*" if version.name == active else " "
            typer.echo(f"{mark} {version.name:44} {coverage.get(version.name, 0.0):4.0%}")

    @app.command("activate")
    def activate(
        version: VersionArgument,
        force: Annotated[bool, typer.Option("--force", help="Even when it is worse.")] = False,
    ) -> None:
        """Serve with this version; the catalog is embedded again first."""
        chosen = versions.store().get(kind, version)
        chosen.verify()
        versions.activate(chosen, force=force)
        _stderr.print(f"{kind} {chosen.name} is active")

    @app.command("export")
    def export(
        version: VersionArgument,
        file: Annotated[Path, typer.Argument(metavar="FILE", help="The zip.")],
    ) -> None:
        """Write a version as one zip."""
        versions.store().export_zip(kind, version, file)

    others = "".join(f", or what {scheme}:… names" for scheme in schemes)

    @app.command("import", help=f"Read a zip that `export` wrote{others}.")
    def import_version(
        source: Annotated[str, typer.Argument(metavar="FILE", help="The zip.")],
    ) -> None:
        scheme, _, named = source.partition(":")
        if scheme in schemes:
            version = schemes[scheme](named)
        else:
            version = versions.store().import_zip(kind, Path(source))
        typer.echo(version.name)


def _active_name(versions: Versions, kind: ModelKind) -> str | None:
    """None when the active version's folder is gone: just then the list is needed."""
    try:
        return versions.active(kind).name
    except ModelError:
        return None
