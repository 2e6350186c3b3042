"""`docs/doctor.md` is true: its output is that of its commands, its codes the source's."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from nelbo.cli.app import run

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/doctor.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
SHOWN = [
    (command.strip(), output)
    for (_, command), (_, output) in zip(BLOCKS, BLOCKS[1:], strict=False)
    if command.startswith(("nelbo audit", "nelbo forecast"))
]


def codes_written() -> set[str]:
    """Return the codes that the source names where it makes a finding."""
    found = set()
    for path in (ROOT / "src/nelbo/doctor").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            made = isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Finding"
            if made and path.name != "finding.py":
                code = node.args[0]
                found |= {code.value} if isinstance(code, ast.Constant) else set()
    return found


def test_every_code_is_explained():
    explained = re.findall(r"^\| `(\w+)` \| (?:error|warning|info) \| .+ \|$", TEXT, re.MULTILINE)
    assert len(explained) == len(set(explained))
    assert codes_written() - set(explained) == set()
    source = "".join(p.read_text() for p in (ROOT / "src/nelbo/doctor").rglob("*.py"))
    assert [code for code in explained if f'"{code}"' not in source] == []


@pytest.mark.parametrize(("command", "output"), SHOWN)
def test_the_output_is_that_of_the_command(command, output, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    Path("my_code.py").write_text(BLOCKS[0][1])
    assert run(command.split()[1:]) == 1
    printed = "".join(f"{line.rstrip()}\n" for line in capsys.readouterr().out.splitlines())
    assert printed == output


def test_there_is_output():
    assert [command.split()[1] for command, _ in SHOWN] == ["audit", "forecast"]
