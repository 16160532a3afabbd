"""What the OpenAPI document promises, asked by Schemathesis: any input, no fault, no other answer."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import strategies as st
from openapi_spec_validator import validate
from schemathesis.engine import events, from_schema

from tests.fakes import fake_jpeg, fake_png
from tests.search_api.conftest import Server, build_services, serve
from tests.security.conftest import listening

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "allow_header_conformance",
    "ignored_auth",
)
RED, BLUE = (200, 20, 20), (20, 20, 200)
SAMPLE = "street.jpg"
# Else nothing that is sent as a file would come past the decoder.
PHOTOS = (fake_jpeg(RED), fake_png(BLUE), b"", b"\xff\xd8\xff", b"GIF89a")
FILES = st.sampled_from(PHOTOS) | st.binary(max_size=64)
schemathesis.openapi.format("binary", FILES)
schemathesis.openapi.format("byte", FILES.map(lambda data: base64.b64encode(data).decode()))


WRITTEN, READ = "p0", "p1"


@schemathesis.hook
def map_path_parameters(context: schemathesis.HookContext, values: Any) -> Any:
    """Every second drawn address is one that is there: else most answers would be 404."""
    method = context.operation.method.upper()
    if not values or method == "DELETE" or sum(map(ord, repr(values))) % 2:
        return values
    there = {"product_id": WRITTEN if method in ("PUT", "PATCH") else READ, "position": 0}
    there |= {"name": SAMPLE}
    return {name: there.get(name, value) for name, value in values.items()}


@schemathesis.hook
def before_call(context: schemathesis.HookContext, case: Any, kwargs: Any) -> None:
    """Schemathesis learns ids from answers: the product that is read must not be deleted by one."""
    named = case.path_parameters or {}
    if case.method.upper() in ("DELETE", "PUT", "PATCH") and named.get("product_id") == READ:
        named["product_id"] = WRITTEN


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A small catalog."""
    home = tmp_path_factory.mktemp("contract")
    samples = home / "samples"
    samples.mkdir()
    (samples / SAMPLE).write_bytes(PHOTOS[0])
    services = build_services(home)
    services = replace(services, settings=replace(services.settings, samples_dir=samples))
    with contextmanager(serve)(services) as server:
        for number, colour in enumerate((RED, BLUE)):
            fields = {"brand": "Acme", "price": 10.0 + number, "collections": ["summer"]}
            assert server.put(f"p{number}", colour, **fields).status_code == 201
        yield server
    services.catalog.close()


@dataclass
class Run:
    """What a run of Schemathesis saw."""

    cases: Counter[str] = field(default_factory=Counter)
    successes: Counter[str] = field(default_factory=Counter)
    failures: dict[str, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    def note(self, finished: events.ScenarioFinished) -> None:
        """Count a scenario's cases and keep one example of every kind of failure."""
        recorder = finished.recorder
        for case_id, node in recorder.cases.items():
            operation = node.value.operation.label
            interaction = recorder.interactions.get(case_id)
            response = None if interaction is None else interaction.response
            if response is None:
                continue
            self.cases[operation] += 1
            self.successes[operation] += response.status_code < 300
            for check in recorder.checks.get(case_id, ()):
                if check.failure_info is not None:
                    failure = check.failure_info.failure
                    told = f"{failure.message}\n{check.failure_info.code_sample}\n{response.text[:500]}"
                    self.failures.setdefault(f"{operation}: {check.name}", told)


def ask(server: Server, *, examples: int, coverage: bool) -> Run:
    """This many drawn cases an operation; ``coverage``: and every edge that the document names."""
    checks = {"enabled": False, **{name: {"enabled": True} for name in CHECKS}}
    config = schemathesis.Config.from_dict(
        {
            # Forwarded: /metrics needs no key on the server's own machine.
            "headers": {
                "Authorization": f"Bearer {server.key('admin')}",
                "X-Forwarded-For": "203.0.113.9",
            },
            "generation": {"max-examples": examples, "deterministic": True},
            "phases": {
                "examples": {"enabled": coverage},
                "coverage": {"enabled": coverage},
                "stateful": {"enabled": False},
            },
            "checks": checks,
            "continue-on-failure": True,
        }
    )
    run = Run()
    with listening(server.app, started=True) as there:
        schema = schemathesis.openapi.from_url(f"{there.url}/openapi.json", config=config)
        for event in from_schema(schema).execute():
            if isinstance(event, events.ScenarioFinished):
                run.note(event)
            elif isinstance(event, events.NonFatalError | events.FatalError):
                run.errors.append(str(getattr(event, "info", None) or event.exception))
    return run


def assert_kept(run: Run, document: dict[str, Any]) -> set[str]:
    """No failure anywhere; the operations."""
    told = "\n\n".join(f"== {name}\n{text}" for name, text in sorted(run.failures.items()))
    assert not run.failures, told
    assert not run.errors
    operations = {
        f"{method.upper()} {path}"
        for path, methods in document["paths"].items()
        for method in methods
    }
    assert set(run.cases) == operations
    return operations


def test_answers_are_what_the_document_says(running: Server) -> None:
    run = ask(running, examples=6, coverage=False)
    assert_kept(run, running.app.openapi())


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_500_cases_an_operation_are_answered_as_the_document_says(running: Server) -> None:
    run = ask(running, examples=500, coverage=True)
    operations = assert_kept(run, running.app.openapi())
    # A run that never came past the door would have shown nothing.
    mute = {name for name in operations if not run.successes[name] and "DELETE" not in name}
    assert not mute
    assert run.cases.total() > 7_000


def test_document_is_valid(running: Server) -> None:
    validate(running.client.get("/openapi.json").json())


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_linter_passes_the_document(running: Server, tmp_path: Path) -> None:
    """Redocly's recommended rules, brought by npx."""
    linter = ["npx", "--yes", "@redocly/cli@2.77.0"]
    if (
        shutil.which("npx") is None
        or subprocess.run([*linter, "--version"], check=False).returncode
    ):
        pytest.skip("no npx, or no network to bring Redocly's linter by")
    document = tmp_path / "openapi.json"
    document.write_text(running.client.get("/openapi.json").text, "utf-8")
    environment = {**os.environ, "REDOCLY_TELEMETRY": "off"}
    subprocess.run([*linter, "lint", str(document)], check=True, env=environment)
