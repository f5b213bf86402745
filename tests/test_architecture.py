"""The shape of the house: who may import whom, how long a module may be, what is never done."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "galexplorer"
MAX_LINES = 420

MAX_ROOM_LINES = 3_000

# A room imports from itself and from lower levels, never from its own level or above; this counts
# for every import, also one inside a function.
LEVELS = (
    {"schema", "errors", "version", "resources", "console", "objids"},
    {"records"},
    {"fits", "tables"},
    {"image", "catalogue", "model"},
    {"query", "pictures"},
    {"sky", "science", "verdict"},
    {"inference"},
    {"runs"},
    {"survey"},
    {"figures"},
    {"export"},
    {"api"},
    {"__init__"},
    {"datasets"},
    {"population"},
    {"simulation", "observed"},
    {"screening"},
    {"realism", "training"},
    {"evaluation"},
    {"commands"},
    {"ui", "cli"},
    {"app", "__main__"},
)
LEVEL = {name: level for level, names in enumerate(LEVELS) for name in names}
UI_LEVELS = ("session", "parts", "targets", "result", "pages")
OFFLINE = {
    "datasets", "population", "simulation", "observed", "realism", "screening", "training",
    "evaluation",
}  # fmt: skip

MODULES = sorted(PACKAGE.rglob("*.py")) + [path for path in [ROOT / "app.py"] if path.exists()]


def _station(path: Path) -> str:
    """Name the top-level part of the package that a file belongs to."""
    relative = path.relative_to(PACKAGE) if path.is_relative_to(PACKAGE) else Path("app.py")
    return relative.parts[0].removesuffix(".py")


def _imports(tree: ast.AST) -> list[tuple[str, int]]:
    """List every imported module with its line; ``from a import b`` counts as ``a.b``."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import on line {node.lineno}"
            found += [(f"{node.module}.{alias.name}", node.lineno) for alias in node.names]
    return found


def _import_time_statements(tree: ast.Module) -> ast.Module:
    """Drop the bodies of functions: what remains runs when the module is imported."""

    class Strip(ast.NodeTransformer):
        def visit_FunctionDef(self, node):
            return None

        def visit_AsyncFunctionDef(self, node):
            return None

    return Strip().visit(ast.parse(ast.unparse(tree)))


def _identify(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.fixture(params=MODULES, ids=_identify)
def module(request) -> Path:
    return request.param


def test_imports_run_one_way(module):
    station = _station(module)
    assert station in LEVEL, f"give {station} its place in LEVELS and in CONTRIBUTING.md"
    for name, line in _imports(ast.parse(module.read_text())):
        parts = name.split(".")
        if parts[0] != "galexplorer":
            continue
        imported = parts[1] if len(parts) > 1 and parts[1] in LEVEL else "__init__"
        lower = LEVEL[imported] < LEVEL[station]
        # The command line imports the offline packages, and only inside its subcommands.
        assert lower or imported == station, f"line {line}: {station} imports {name}"


def test_pages_are_made_of_parts_and_parts_know_the_session_alone(module):
    if _station(module) != "ui" or module.parent.name == "ui":
        pytest.skip("not in a room of the interface")
    own = UI_LEVELS.index(module.parent.name)
    for name, line in _imports(ast.parse(module.read_text())):
        parts = name.split(".")
        if parts[:2] == ["galexplorer", "ui"]:
            imported = UI_LEVELS.index(parts[2])
            assert imported <= own, f"line {line}: {module.parent.name} imports {name}"


def test_rooms_are_small():
    rooms = {path.parent for path in PACKAGE.rglob("*.py")}
    lines = {
        str(room.relative_to(ROOT)): sum(
            len(path.read_text().splitlines()) for path in room.glob("*.py")
        )
        for room in rooms
    }
    assert len(lines) > 10
    assert {room: n for room, n in lines.items() if n > MAX_ROOM_LINES} == {}


def test_training_is_never_loaded_at_run_time(module):
    station = _station(module)
    if station in OFFLINE:
        pytest.skip("itself offline")
    for name, _ in _imports(_import_time_statements(ast.parse(module.read_text()))):
        assert not any(name.startswith(f"galexplorer.{offline}") for offline in OFFLINE), name


def test_surveys_are_loaded_by_their_command_alone(module):
    """All else works without lsdb."""
    if _station(module) == "survey":
        pytest.skip("the room itself")
    tree = ast.parse(module.read_text())
    names = [name for name, _ in _imports(tree)]
    if module == PACKAGE / "commands" / "survey.py":
        names = [name for name, _ in _imports(_import_time_statements(tree))]
    heavy = {"lsdb", "hats", "hats_import", "dask", "distributed", "nested_pandas"}
    assert not [name for name in names if name.startswith("galexplorer.survey")]
    assert not heavy & {name.split(".")[0] for name in names}


def test_streamlit_stays_in_the_interface(module):
    names = [name for name, _ in _imports(ast.parse(module.read_text()))]
    if any(name.split(".")[0] == "streamlit" for name in names):
        # commands/app.py starts the server, and knows nothing of its pages.
        assert _station(module) in {"ui", "app"} or module == PACKAGE / "commands" / "app.py"


def test_modules_are_short(module):
    assert len(module.read_text().splitlines()) <= MAX_LINES


def test_nothing_executes_data(module):
    """Weights and tables are data: no pickle, in any of its disguises."""
    tree = ast.parse(module.read_text())
    for name, line in _imports(tree):
        assert name.split(".")[0] not in {"pickle", "cPickle", "dill", "cloudpickle", "joblib"}, (
            line
        )
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        function = ast.unparse(node.func)
        keywords = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
        assert keywords.get("allow_pickle", "False") == "False", f"line {node.lineno}"
        if function == "torch.load":
            assert keywords.get("weights_only") == "True", f"line {node.lineno}"
        assert not function.endswith("read_pickle"), f"line {node.lineno}"


def test_errors_are_not_swallowed(module):
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.ExceptHandler):
            caught = "everything" if node.type is None else ast.unparse(node.type)
            # sep and its like raise a bare Exception, which may be renamed but not dropped.
            if caught in {"everything", "Exception", "BaseException"}:
                assert isinstance(node.body[-1], ast.Raise), f"line {node.lineno}"


def test_the_package_imports_light():
    """`import galexplorer` loads nothing heavy: the command line must answer --help at once."""
    code = "import sys, galexplorer; print(*sorted({m.partition('.')[0] for m in sys.modules}))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert "galexplorer" in loaded
    assert not {"torch", "numpy", "astropy", "pandas", "matplotlib", "streamlit"} & set(loaded)
