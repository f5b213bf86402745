"""What is built for others to install holds all that it needs, and works away from the checkout."""

import ast
import json
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from galexplorer.version import __version__

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "galexplorer"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def files_in(folder: Path, at: str) -> dict[str, bytes]:
    """Return the content of each file by its place in the wheel."""
    return {
        f"{at}/{path.relative_to(folder).as_posix()}": path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def content(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {
            name: archive.read(name) for name in archive.namelist() if ".dist-info/" not in name
        }


def test_the_wheel_holds_all_that_ships_and_nothing_else(wheel):
    expected = files_in(PACKAGE, "galexplorer")
    for name in ("weights", "assets"):
        expected |= files_in(ROOT / name, f"galexplorer/bundled/{name}")
    for name in ("app.py", ".streamlit/config.toml"):
        expected[f"galexplorer/bundled/{name}"] = (ROOT / name).read_bytes()
    built = content(wheel)
    assert built.keys() == expected.keys()
    assert built == expected


def test_the_source_archive_makes_the_same_wheel(wheel, tmp_path):
    command = [sys.executable, "-m", "hatchling", "build", "--target", "sdist"]
    subprocess.run([*command, "--directory", tmp_path], cwd=ROOT, check=True, capture_output=True)
    with tarfile.open(tmp_path / f"galexplorer-{__version__}.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
    folder = tmp_path / f"galexplorer-{__version__}"
    subprocess.run([*command, "--directory", tmp_path], cwd=folder, check=True, capture_output=True)
    assert content(tmp_path / wheel.name) == content(wheel)


def test_an_editable_installation_is_the_checkout(make_installation):
    place = make_installation("--editable", ROOT)
    code = "import galexplorer, galexplorer.resources as r; print(r.__file__, r.bundled('weights'))"
    found = place.run(place.python, "-c", code).stdout.split()
    assert found == [str(PACKAGE / "resources.py"), str(ROOT / "weights")]


def test_what_is_pinned_is_what_is_needed():
    """requirements.txt and pyproject.toml name the same packages, in versions that agree."""
    needed = {canonicalize_name(r.name): r for r in map(Requirement, PROJECT["dependencies"])}
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    assert {canonicalize_name(pin.name) for pin in pins} == needed.keys()
    for pin in pins:
        (exact,) = pin.specifier
        assert exact.operator == "=="
        assert exact.version in needed[canonicalize_name(pin.name)].specifier, str(pin)


def test_what_is_imported_is_needed():
    """No module leans on a package that only another package brings along."""
    lines = [*PROJECT["dependencies"]]
    for extra, more in PROJECT["optional-dependencies"].items():
        lines += more if extra not in ("dev", "docs") else []
    needed = {canonicalize_name(Requirement(line).name) for line in lines}
    homes = packages_distributions()
    for path in [*PACKAGE.rglob("*.py"), ROOT / "app.py"]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            else:
                names = [node.module] if isinstance(node, ast.ImportFrom) else []
            for name in {name.partition(".")[0] for name in names}:
                if name not in sys.stdlib_module_names and name != "galexplorer":
                    assert needed & set(map(canonicalize_name, homes.get(name, [name]))), (
                        f"{path}: {name}"
                    )


def test_the_installed_package_is_found_alone(installed):
    code = (
        "import sys, galexplorer; from galexplorer.resources import bundled;"
        "print(galexplorer.__file__, *map(bundled, sys.argv[1:]), *sys.path, sep='\\n')"
    )
    names = ("weights/manifest.json", "assets/examples/spiral.fits.gz", "app.py")
    lines = installed.run(installed.python, "-c", code, *names).stdout.splitlines()
    for file in map(Path, lines[:4]):
        assert file.is_relative_to(installed.packages)
        assert file.is_file()
    assert str(ROOT) not in lines[4:]


def test_its_version(installed):
    for command in ((installed.galexplorer,), (installed.python, "-m", "galexplorer")):
        assert installed.run(*command, "--version").stdout == f"galexplorer {__version__}\n"


def infer_example(place) -> None:
    code = "from galexplorer.resources import bundled; print(bundled('assets/examples'))"
    example = Path(place.run(place.python, "-c", code).stdout.strip()) / "spiral.fits.gz"
    wanted = ("--draws", "500", "--out", "a.json", "--corner", "corner.pdf")
    done = place.run(place.galexplorer, "infer", example, *wanted)
    assert done.stderr == ""
    assert (place.folder / "corner.pdf").read_bytes().startswith(b"%PDF")
    answer = json.loads((place.folder / "a.json").read_text())
    assert 0 < answer["posterior"]["redshift"]["p50"] < 0.2
    assert len(answer["neighbours"]) > 0
    assert answer["provenance"]["versions"]["galexplorer"] == __version__
    code = (
        "import sys, galexplorer as gx; engine = gx.load();"
        "result = engine.infer(sys.argv[1], draws=500);"
        "print(float(result.summary.loc['p50']['redshift']), len(engine.neighbours(result)))"
    )
    redshift, neighbours = place.run(place.python, "-c", code, example).stdout.split()
    assert float(redshift) == pytest.approx(answer["posterior"]["redshift"]["p50"], abs=1e-5)
    assert int(neighbours) > 0


def test_it_infers_an_example(installed, weights_dir):
    infer_example(installed)


def complete(place, shell: str, words: str) -> list[str]:
    """Return what a shell is offered to go on with."""
    environment = {
        "_GALEXPLORER_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
    }
    variables = [f"{name}={value}" for name, value in environment.items()]
    return place.run("env", *variables, place.galexplorer).stdout.split()


def test_a_shell_completes_it(installed):
    assert complete(installed, "bash", "galexplorer ta") == ["targets"]
    assert "--address" in complete(installed, "bash", "galexplorer app --a")
    assert "_GALEXPLORER_COMPLETE=complete_bash" in installed.run(
        "env", "_GALEXPLORER_COMPLETE=source_bash", installed.galexplorer
    ).stdout  # fmt: skip


@pytest.mark.slow
def test_it_installs_with_all_that_it_needs(wheel, make_installation, weights_dir):
    """In an environment that has nothing, out of the index."""
    infer_example(make_installation(wheel, clean=True))
