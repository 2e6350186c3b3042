"""What is shipped: the public names, the wheel, the README's code, and what an import costs."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import nelbo
from nelbo import registry

ROOT = Path(__file__).parent.parent
HEAVY = ("matplotlib", "PIL", "jinja2", "typer", "pooch", "scipy", "pandas")


def python(code, **options):
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True, **options).stdout


def test_every_public_name_exists():
    assert [name for name in nelbo.__all__ if not hasattr(nelbo, name)] == []


def test_importing_nelbo_imports_nothing_that_only_reports_and_the_command_need():
    code = f"import sys, nelbo; print([m for m in {HEAVY} if m in sys.modules])"
    assert python(code).strip() == "[]"


def test_importing_nelbo_leaves_the_generators_alone():
    code = (
        "import torch; torch.manual_seed(3); before = torch.get_rng_state(); import nelbo;"
        "print(bool((torch.get_rng_state() == before).all()))"
    )
    assert python(code).strip() == "True"


@pytest.mark.parametrize("axis", ["likelihood", "posterior", "prior", "objective", "network"])
def test_every_component_is_exported_by_its_folder(axis):
    folder = getattr(
        nelbo, {"likelihood": "likelihoods", "objective": "objectives"}.get(axis, f"{axis}s")
    )
    for name in registry.names(axis):
        assert registry.component(axis, name) in vars(folder).values()


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", out, ROOT]
    subprocess.run(command, check=True, capture_output=True)
    return next(out.glob("*.whl"))


def test_the_wheel_is_below_14_mb_with_all_of_mnist_inside(wheel):
    assert wheel.stat().st_size < 14e6
    names = zipfile.ZipFile(wheel).namelist()
    for file in (ROOT / "src/nelbo/data/files").glob("*.gz"):
        assert f"nelbo/data/files/{file.name}" in names


def test_the_wheel_holds_every_file_of_the_package(wheel):
    source = ROOT / "src"
    ours = {p.relative_to(source).as_posix() for p in (source / "nelbo").rglob("*") if p.is_file()}
    missing = {name for name in ours if "__pycache__" not in name} - set(
        zipfile.ZipFile(wheel).namelist()
    )
    assert missing == set()


def test_the_code_in_the_readme_runs(tmp_path):
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert len(blocks) == 5
    printed = python("\n".join(blocks), cwd=tmp_path)
    assert re.search(r"elbo = .* nats per example \(10000 examples, 1 sample\)", printed)
    assert "collapses 0.013" in printed
    assert (tmp_path / "runs/first/config.json").exists()


def test_the_code_for_few_labels_runs(tmp_path):
    text = (ROOT / "docs/tables.md").read_text()
    (block,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    shorter = re.sub(r"epochs=\d+", "epochs=1", block)
    printed = python(f"{shorter}\nprint(len(probable), *threes.shape)", cwd=tmp_path)
    assert printed.split()[-3:] == ["2000", "5", "20"]


def test_the_skeleton_for_contributors_is_a_likelihood():
    (block,) = re.findall(r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(), re.DOTALL)
    check = "import nelbo; nelbo.testing.check_likelihood(Gumbel(scale=0.5)); print('lawful')"
    assert python(f"{block}\n{check}").strip() == "lawful"
