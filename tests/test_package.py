"""The package itself: what importing costs, what is public, stubs, versions."""

from __future__ import annotations

import importlib.metadata
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import foretold

ROOT = Path(__file__).parent.parent


def run(program: str) -> str:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout


def test_importing_loads_nothing_that_only_commands_need() -> None:
    program = (
        "import sys, foretold\n"
        "foretold.decompress(foretold.compress(b'a small message'))\n"
        "print(*(name for name in sys.modules if '.' not in name))"
    )
    loaded = set(run(program).split())
    assert "foretold" in loaded
    assert not loaded & {"rich", "typer", "click", "matplotlib", "numpy"}
    assert not loaded & {"accelerate", "safetensors", "torch"}
    assert not loaded & {"fsspec", "joblib", "numcodecs", "smart_open", "zarr"}


WITHOUT_TORCH = """
import sys
sys.modules["torch"] = None
from foretold.cli import main
main(["train", "bytelm", "--from", ".", "-o", "net.safetensors"])
"""


def test_training_without_torch_says_what_to_install() -> None:
    found = subprocess.run([sys.executable, "-c", WITHOUT_TORCH], capture_output=True, text=True)
    assert found.returncode == 1
    assert "pip install 'foretold[train]'" in found.stderr
    assert "Traceback" not in found.stderr


def test_the_help_of_training_needs_no_torch() -> None:
    program = (
        "import sys\n"
        "from typer.testing import CliRunner\n"
        "from foretold.cli.app import gather\n"
        "assert CliRunner().invoke(gather(), ['train', 'bytelm', '--help']).exit_code == 0\n"
        "assert not {'torch', 'safetensors', 'accelerate'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_torch_is_imported_by_training_alone() -> None:
    package = ROOT / "python" / "foretold"
    users = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if re.search(
            r"^\s*(import|from) (torch|safetensors|accelerate|foretold\.train)",
            path.read_text(),
            re.MULTILINE,
        )
    }
    assert {path for path in users if not path.startswith("train/")} <= {"cli/fitting.py", "cli/train.py"}


def test_importing_takes_well_under_a_fifth_of_a_second() -> None:
    program = "import time; start = time.perf_counter(); import foretold; print(time.perf_counter() - start)"
    # The best of some: other processes may take the machine meanwhile.
    assert min(float(run(program)) for _ in range(5)) < 0.1


def test_the_version_has_one_home() -> None:
    manifest = (ROOT / "Cargo.toml").read_text()
    stated = re.search(r'^version = "(.+)"', manifest, re.MULTILINE)
    assert stated is not None
    assert foretold.__version__ == stated[1]
    assert importlib.metadata.version("foretold") == stated[1]


def test_public_names_exist_and_are_documented() -> None:
    for name in foretold.__all__:
        thing = getattr(foretold, name)
        if inspect.isclass(thing) or inspect.isfunction(thing):
            assert inspect.getdoc(thing), name
            for attribute, member in vars(thing).items():
                if inspect.isfunction(member) and not attribute.startswith("_"):
                    assert inspect.getdoc(member), f"{name}.{attribute}"


def test_stubs_agree_with_the_built_module() -> None:
    pytest.importorskip("mypy")
    found = subprocess.run(
        [sys.executable, "-m", "mypy.stubtest", "foretold._core"], capture_output=True, text=True, cwd=ROOT
    )
    assert found.returncode == 0, found.stdout + found.stderr


def test_the_built_module_tells_its_arguments() -> None:
    assert list(inspect.signature(foretold._core.compress).parameters)[:2] == ["data", "preset"]


EXAMPLES = re.findall(
    r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.partition("\n")[0])
def test_the_examples_of_the_readme_run(
    example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Those of the plug-ins start with their libraries.
    pytest.importorskip(example.split()[1])
    monkeypatch.chdir(tmp_path)
    exec(compile(example, "README.md", "exec"), {})
