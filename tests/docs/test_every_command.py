"""No page names a command that no test runs or, where none can run here, looks at."""

from __future__ import annotations

import argparse
import re
import runpy
import shlex
import subprocess
import sys
import tomllib
from typing import Any

import pytest
import yaml

from tests.docs import test_shop_pages
from tests.docs.pages import ROOT, every_page, spans, typed

# The pages whose garb and curl lines the tests beside this one run.
RUN = (
    *test_shop_pages.PAGES,
    "docs/clip.md",
    "docs/models.md",
    "docs/operate.md",
    "docs/retrain.md",
)
# The same in other words; `garb demo` itself: tests/demo.
ALIKE = {
    "garb demo --serve": "garb serve",
    "garb evaluate retrieval PRODUCTS.csv QUERIES.csv": "garb evaluate retrieval OUT/PRODUCTS.csv "
    "OUT/QUERIES.csv",
}
COMMANDS = {page: [*typed(page), *spans(page)] for page in every_page()}


def asked(program: str) -> list[str]:
    """The commands of one program, each once, on whatever page."""
    every = [line for lines in COMMANDS.values() for line in lines]
    return [line for line in dict.fromkeys(every) if line.split()[0] == program]


def test_every_line_of_garb_and_curl_is_on_a_page_that_is_run() -> None:
    run = {line for page in RUN for line in COMMANDS[page]}
    lines = [ALIKE.get(line, line) for line in [*asked("garb"), *asked("curl")]]
    assert len(lines) > 100
    assert not set(lines) - run


class Parsed(Exception):
    """The arguments were understood; what they ask for is not begun."""


@pytest.mark.parametrize("line", asked("python"))
def test_every_benchmark_takes_its_arguments(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some run small in tests/benchmarks or tests/docs; most take minutes, or real photos."""
    _, _, module, *arguments = shlex.split(line)
    if not arguments:
        assert (ROOT / f"{module.replace('.', '/')}.py").is_file()
        return
    parse_args = argparse.ArgumentParser.parse_args

    def stop(parser: argparse.ArgumentParser, *given: Any) -> None:
        parse_args(parser, *given)
        raise Parsed

    # A way that was given up: the page names the commit that had it.
    if "--ways teacher,mask" in line:
        return
    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", stop)
    monkeypatch.setattr("sys.argv", [module, *arguments])
    monkeypatch.chdir(ROOT)
    monkeypatch.delitem(sys.modules, module, raising=False)
    with pytest.raises(Parsed):
        runpy.run_module(module, run_name="__main__")


@pytest.mark.parametrize("line", asked("pip"))
def test_every_installation_names_an_extra(line: str) -> None:
    """tests/test_project.py installs one, as the Dockerfile does it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    told = re.fullmatch(r"pip install '(?:\.|garb)\[([a-z0-9,]+)\]'", line)
    assert told is not None
    assert set(told[1].split(",")) <= project["optional-dependencies"].keys()


@pytest.mark.parametrize("line", asked("make"))
def test_every_verb_of_make_is_one(line: str) -> None:
    """Without running it: `make test` would run this test."""
    subprocess.run([*shlex.split(line), "--dry-run"], cwd=ROOT, check=True, capture_output=True)


@pytest.mark.parametrize("line", asked("bash"))
def test_every_script_is_one(line: str) -> None:
    subprocess.run(["bash", "-n", line.removeprefix("bash ")], cwd=ROOT, check=True)


@pytest.mark.parametrize("line", asked("docker"))
def test_every_line_of_docker_names_what_compose_knows(line: str) -> None:
    """Not run: that takes a Docker. tests/test_project.py holds the files against what they promise."""
    words = shlex.split(line)
    assert words[:2] == ["docker", "compose"]
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["services"]
    if words[2:3] == ["run"]:
        service, *command = [word for word in words[3:] if not word.startswith("--rm")]
        assert service in services
        assert command[:3] == ["garb", "key", "create"]
    else:
        assert words[2:] in ([], ["up"])
