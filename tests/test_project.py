"""The project's own files: what they promise is there, and what they name exists."""

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from search_api.cli import build

ROOT = Path(__file__).resolve().parent.parent
PAGES = [
    ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "benchmarks" / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]  # fmt: skip


def dockerfile_steps() -> list[tuple[str, str]]:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in lines]


def documented_commands() -> list[tuple[str, str]]:
    """Every ``garb …`` of a code block or code span, with its page."""
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        spans = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S))
        lines = [line for block in blocks for line in block.splitlines()] + spans
        for line in lines:
            match = re.search(r"(?:^|[ /])(garb [a-z].*)", line.split("  #")[0])
            if match and not line.startswith("pip "):
                found.append((page.name, match[1].strip()))
    return found


def package_files() -> list[Path]:
    """Everything that an installed Garb needs, relative to the root."""
    return [
        path.relative_to(ROOT)
        for package in ("segmentation", "indexer", "search_api", "wardrobe", "migrations")
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".md"
    ]


def test_pages_name_commands() -> None:
    assert len(documented_commands()) > 20


@pytest.mark.parametrize(("page", "line"), documented_commands())
def test_documented_command_exists_with_its_options(page: str, line: str) -> None:
    words = shlex.split(line)[1:]
    command: Any = typer.main.get_command(build())
    # Newer Typers bring their own click: what has commands is a group, whatever its class.
    while hasattr(command, "commands"):
        assert words, f"{page}: {line}: a group, not a command"
        word = words.pop(0)
        assert word in command.commands, f"{page}: no such command: {line}"
        command = command.commands[word]
    known = {name for parameter in command.params for name in parameter.opts} | {"--help"}
    for word in words:
        if word.startswith("--"):
            assert word in known, f"{page}: {line}: no option {word}"


def test_links_between_pages_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            if not target.startswith("http"):
                assert (page.parent / target).exists(), f"{page.name} → {target}"


def test_make_alone_lists_every_verb() -> None:
    printed = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony is not None
    for verb in phony[1].split():
        assert f"make {verb} " in printed


def test_no_module_that_serves_loads_torch() -> None:
    script = "import search_api.app, sys; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)


def test_cpu_and_gpu_extras_share_no_module() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    everything = " ".join(project["dependencies"])
    for name in ("faiss", "openvino", "onnxruntime", "torch"):
        assert name not in everything
    assert any(line.startswith("faiss-cpu") for line in project["optional-dependencies"]["cpu"])
    assert any(line.startswith("faiss-gpu") for line in project["optional-dependencies"]["gpu"])


def test_image_holds_every_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = project["tool"]["setuptools"]["packages"]["find"]["include"]
    copied = " ".join(rest for step, rest in dockerfile_steps() if step == "COPY").split()
    wanted = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for pattern in patterns:
        assert pattern.rstrip("*") in copied
        assert "!" + pattern.rstrip("*") in wanted


def test_image_runs_as_a_user_and_asks_livez() -> None:
    steps = dict(dockerfile_steps())
    assert steps["USER"] not in ("root", "0")
    assert "/livez" in steps["HEALTHCHECK"]
    assert json.loads(steps["CMD"])[:2] == ["garb", "serve"]


def test_compose_upgrades_a_healthy_database_before_it_serves() -> None:
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    services: dict[str, Any] = yaml.safe_load(text)["services"]
    assert services["upgrade"]["command"] == ["garb", "db", "upgrade"]
    needs = services["server"]["depends_on"]
    assert needs["upgrade"]["condition"] == "service_completed_successfully"
    assert needs["db"]["condition"] == "service_healthy"
    assert services["server"]["environment"]["GARB_DATABASE_URL"].startswith("postgresql")
    assert "pg_isready" in services["db"]["healthcheck"]["test"]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_dockerfiles_commands_install_a_garb_that_runs(tmp_path: Path) -> None:
    """Its COPY and pip lines, in a clean virtual environment beside a copy of the sources."""
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    source = tmp_path / "src"
    source.mkdir()
    environment = {**os.environ, "PATH": f"{python.parent}:{os.environ['PATH']}"}
    environment.pop("PYTHONPATH", None)
    for step, rest in dockerfile_steps():
        if step == "COPY":
            *names, target = rest.split()
            into = source / target
            for name in names:
                subprocess.run(["cp", "-r", str(ROOT / name), str(into)], check=True)
        elif step == "RUN" and rest.startswith("pip "):
            subprocess.run(rest, shell=True, cwd=source, env=environment, check=True)
    probe = "import search_api.app, sys; assert 'torch' not in sys.modules; import faiss, psycopg"
    subprocess.run([str(python), "-c", probe], cwd=tmp_path, env=environment, check=True)
    home = {**environment, "GARB_HOME": str(tmp_path / "home")}
    garb = str(python.parent / "garb")
    subprocess.run([garb, "catalog", "list"], cwd=tmp_path, env=home, check=True)
    site = next((tmp_path / "venv").glob("lib/python*/site-packages"))
    missing = [str(name) for name in package_files() if not (site / name).is_file()]
    assert not missing
