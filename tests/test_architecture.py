"""The house rules, held by reading the code: who may import whom, and what each stage must list."""

import ast
from pathlib import Path

import pytest
from ruamel.yaml import YAML

PROJECT = Path(__file__).resolve().parent.parent
CODE = ("pipeline", "flows", "localhub", "sample", "bench")
STEPS = {
    "check",
    "refresh",
    "pin",
    "audit",
    "train",
    "evaluate",
    "gate",
    "card",
    "approve",
    "release",
    "rollback",
    "releases",
    "verify",
    "deployed",
}
# Rooms from the ground up: a module imports from its own room and those before it.
ROOMS = [
    {"errors", "digests"},
    {"records"},
    {"params"},
    {
        "approvals",
        "assumptions",
        "paired",
        "looks",
        "checks",
        "comparisons",
        "traits",
        "token_lengths",
        "signals",
        "shortcut",
        "personal_data",
        "partners",
        "portions",
        "near_duplicates",
        "findings",
        "crossings",
        "beir",
        "card_tables",
        "code",
        "compatibility",
        "downloads",
        "encoding",
        "example",
        "front_matter",
        "engine",
        "folding",
        "hub",
        "ledger",
        "licences",
        "markdown",
        "mistakes",
        "mainline",
        "models",
        "outcomes",
        "pickles",
        "pictures",
        "precision",
        "probes",
        "provenance",
        "publication",
        "receipts",
        "reencoding",
        "retries",
        "retrieval",
        "rows",
        "safety",
        "scoring",
        "shown_rows",
        "signatures",
        "slices",
        "soundness",
        "spaces",
        "splits",
        "staging",
        "stages",
        "usage",
        "vectors",
    },
    STEPS,
    {"__main__"},
]


def module_name(path: Path) -> str:
    parts = path.relative_to(PROJECT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for folder in CODE for path in (PROJECT / folder).rglob("*.py")}


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            inside = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in MODULES else node.module for name in inside}
        elif isinstance(node, ast.ImportFrom):
            raise AssertionError(f"{path} has a relative import; name the module in full")
    return found


def project_imports(name: str) -> set[str]:
    return {found for found in imports(MODULES[name]) if found in MODULES}


def reached(name: str) -> set[str]:
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        one = waiting.pop()
        if one not in seen:
            seen.add(one)
            waiting += project_imports(one)
    return seen


def room(name: str) -> int:
    part = name.split(".")[1]
    return next(place for place, names in enumerate(ROOMS) if part in names)


def pipeline_modules() -> list[str]:
    return [name for name in sorted(MODULES) if name.startswith("pipeline.")]


@pytest.mark.parametrize("name", pipeline_modules())
def test_pipeline_imports_run_one_way(name: str) -> None:
    above = {other for other in project_imports(name) if other != "pipeline" and room(other) > room(name)}
    assert not above, f"{name} imports {above} from a room above its own"


@pytest.mark.parametrize("name", sorted(STEPS))
def test_pipeline_steps_never_import_each_other(name: str) -> None:
    others = {f"pipeline.{step}" for step in STEPS - {name}}
    assert not project_imports(f"pipeline.{name}") & others


@pytest.mark.parametrize("name", sorted(MODULES))
def test_project_libraries_stay_in_their_rooms(name: str) -> None:
    found = {one.split(".")[0] for one in imports(MODULES[name])}
    if "prefect" in found:
        assert name.startswith("flows")
    if "huggingface_hub" in found and name.startswith("pipeline"):
        if name == "pipeline.front_matter":
            cards = {"EvalResult", "ModelCard", "ModelCardData"}
            tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
            taken = {
                alias.name
                for node in ast.walk(tree)
                if isinstance(node, ast.ImportFrom) and str(node.module).startswith("huggingface_hub")
                for alias in node.names
            }
            assert taken <= cards
        else:
            assert name.startswith("pipeline.hub")
    if name.startswith("pipeline"):
        assert not found & {"flows", "sample", "localhub", "bench", "tests"}
    if name.startswith("localhub"):
        assert not found & {"pipeline", "flows", "sample", "bench", "tests"}
    if "torch" in found and name.startswith("pipeline"):
        assert name.startswith("pipeline.engine") or name.split(".")[1] in {
            "compatibility",
            "encoding",
            "evaluate",
            "models",
            "pickles",
            "precision",
            "retrieval",
            "scoring",
            "soundness",
            "vectors",
        }


def stages() -> dict[str, dict[str, list[str]]]:
    found: dict[str, dict[str, list[str]]] = YAML(typ="safe").load(PROJECT / "dvc.yaml")["stages"]
    return found


@pytest.mark.parametrize("name", [name for name in stages() if name != "train"])
def test_stage_lists_every_module_that_its_step_imports(name: str) -> None:
    deps = stages()[name]["deps"]
    needed = {MODULES[one].relative_to(PROJECT).as_posix() for one in reached(f"pipeline.{name}")}
    needed -= {"pipeline/__init__.py"}
    missing = {path for path in needed if not any(path == dep or path.startswith(f"{dep}/") for dep in deps)}
    assert not missing, f"stage {name}: add these to its deps in dvc.yaml"
    for dep in deps:
        if dep.endswith(".py"):
            assert dep in needed, f"stage {name}: {dep} is listed and not imported"


def test_stage_train_lists_no_code() -> None:
    assert not [dep for dep in stages()["train"]["deps"] if dep.startswith("pipeline")]


def test_stage_lists_no_section_that_only_changes_speed() -> None:
    for name, stage in stages().items():
        assert not [key for key in stage["params"] if key.split(".")[0] in {"hardware", "hub"}], name


def test_lock_holds_exact_versions_and_no_torch() -> None:
    lines = (PROJECT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    pinned = [line for line in lines if line and not line.lstrip().startswith("#")]
    assert pinned
    assert all("==" in line for line in pinned)
    assert not [line for line in lines if "+cpu" in line]
    assert not [line for line in pinned if line.startswith(("torch==", "nvidia-", "triton=="))]


def test_project_has_typed_marker_and_no_relative_imports() -> None:
    assert (PROJECT / "pipeline" / "py.typed").is_file()
    for path in MODULES.values():
        imports(path)
