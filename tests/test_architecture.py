"""The house rules, held by reading the code: who may import whom, and what each stage must list."""

import ast

import pytest
from ruamel.yaml import YAML

from tests.support.imports import MODULES, imports, project_imports, reached
from tests.support.workspaces import PROJECT

# Rooms from the ground up: a module imports from its own room and from rooms on lower floors.
FLOORS = (
    ("errors",),
    ("records", "params", "isolated"),
    ("workspace", "wording"),
    ("device", "dataset", "hub"),
    ("embedding",),
    ("engine", "judging", "publishing"),
    ("stages",),
    ("preflight",),
    ("commands",),
    ("__main__",),
)
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
# The same of localhub, where pages, errors and the like are modules beside the rooms.
HUB_FLOORS = (
    ("errors",),
    ("users", "strict_json", "rendering"),
    ("repos",),
    ("discussions",),
    ("requests",),
    ("routes",),
    ("pages",),
    ("discussion_pages",),
    ("app",),
    ("server",),
    ("process", "__main__"),
)
HUB_FLOOR = {room: floor for floor, rooms in enumerate(HUB_FLOORS) for room in rooms}
MOST_IN_A_ROOM = 15
# Languages, and verbs.
AS_MANY_AS_THERE_ARE = {"pipeline.dataset.languages", "pipeline.commands"}
# Where tensors are.
TORCH = (
    *("pipeline.device", "pipeline.engine", "pipeline.embedding", "pipeline.stages.evaluate"),
    *("pipeline.stages.pin.model.pickles", "pipeline.stages.pin.model.base_trial"),
)


def pipeline_modules() -> list[str]:
    return [name for name in sorted(MODULES) if name.startswith("pipeline.")]


def test_every_room_stands_on_a_floor() -> None:
    assert {name.split(".")[1] for name in pipeline_modules()} == set(FLOOR)


@pytest.mark.parametrize(
    "room", sorted({name.rpartition(".")[0] for name in MODULES} - {""} - AS_MANY_AS_THERE_ARE)
)
def test_every_room_holds_about_a_dozen_modules(room: str) -> None:
    inside = [
        name
        for name, path in MODULES.items()
        if name.rpartition(".")[0] == room and path.name != "__init__.py"
    ]
    assert len(inside) <= MOST_IN_A_ROOM, f"{room} has {len(inside)} modules: has it become two rooms?"


@pytest.mark.parametrize("name", pipeline_modules())
def test_pipeline_imports_run_one_way(name: str) -> None:
    room = name.split(".")[1]
    for other in project_imports(name) - {"pipeline"}:
        theirs = other.split(".")[1]
        assert theirs == room or FLOOR[theirs] < FLOOR[room], f"{name} imports {other} from a floor above"
        if room == theirs == "stages":
            assert name.split(".")[2] == other.split(".")[2], f"{name} imports another stage: {other}"
        assert not (room == theirs == "commands"), f"{name} imports another command: {other}"


def hub_modules() -> list[str]:
    return [name for name in sorted(MODULES) if name.startswith("localhub.")]


def test_every_room_of_localhub_stands_on_a_floor_and_holds_about_a_dozen_modules() -> None:
    rooms = [name.split(".")[1] for name in hub_modules()]
    assert set(rooms) == set(HUB_FLOOR)
    assert max(map(rooms.count, rooms)) <= MOST_IN_A_ROOM + 1  # the room itself is counted too


@pytest.mark.parametrize("name", hub_modules())
def test_localhub_imports_run_one_way(name: str) -> None:
    room = name.split(".")[1]
    for other in project_imports(name) - {"localhub"}:
        theirs = other.split(".")[1]
        assert theirs == room or HUB_FLOOR[theirs] < HUB_FLOOR[room], f"{name} imports {other} from above"


@pytest.mark.parametrize("name", sorted(MODULES))
def test_project_libraries_stay_in_their_rooms(name: str) -> None:
    found = {one.split(".")[0] for one in imports(MODULES[name])}
    if "prefect" in found:
        assert name.startswith("flows")
    if "huggingface_hub" in found and name.startswith("pipeline"):
        if name.startswith("pipeline.stages.card."):
            cards = {
                "EvalResult",
                "EvalResultEntry",
                "ModelCard",
                "ModelCardData",
                "eval_result_entries_to_yaml",
            }
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
        assert name.startswith(TORCH)


@pytest.mark.parametrize("name", [name for name, path in sorted(MODULES.items()) if path.stem == "__init__"])
def test_package_is_one_docstring_or_names_what_it_gives(name: str) -> None:
    body = ast.parse(MODULES[name].read_text(encoding="utf-8")).body
    assert isinstance(body[0], ast.Expr), f"{name} says nothing of itself"
    if name.startswith(("pipeline", "localhub")) and name not in {
        "pipeline.hub",
        "pipeline.records",
        "pipeline.params",
    }:
        assert len(body) == 1, f"{name}: what stands in a package's __init__ belongs into a module"


# What makes a module one that decides: it goes one way or another.
DECIDES = (ast.If, ast.IfExp, ast.Match, ast.While, ast.Try, ast.BoolOp, ast.Compare)


@pytest.mark.parametrize(
    "name", [name for name in pipeline_modules() + hub_modules() if MODULES[name].stem[0] != "_"]
)
def test_module_that_decides_has_a_test_of_its_own_name(name: str) -> None:
    tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
    if any(isinstance(node, DECIDES) for node in ast.walk(tree)):
        *rooms, module = name.removeprefix("pipeline.").split(".")
        path = PROJECT.joinpath("tests", *rooms, f"test_{module}.py")
        assert path.is_file(), f"{name} decides something: write {path.relative_to(PROJECT)}"


# What these hold is read as one: a record or a section is rarely changed alone, and which language a
# workspace needs only its params.yaml knows.
FOLDERS = ("hub", "params", "records", "dataset/languages")


def stages() -> dict[str, dict[str, list[str]]]:
    found: dict[str, dict[str, list[str]]] = YAML(typ="safe").load(PROJECT / "dvc.yaml")["stages"]
    return found


@pytest.mark.parametrize("name", [name for name in stages() if name != "train"])
def test_stage_lists_its_own_folder_and_every_module_that_it_imports(name: str) -> None:
    """DVC does not follow imports. Whole shared folders would run evaluate for an edit of the receipts."""
    listed = [dep for dep in stages()[name]["deps"] if dep.startswith("pipeline")]
    own = f"pipeline/stages/{name}"
    reaches = {one for one in reached(f"pipeline.stages.{name}.step") if MODULES[one].stem != "__init__"}
    needed = {MODULES[one].relative_to(PROJECT).as_posix() for one in reaches}
    folders = {
        folder
        for folder in (f"pipeline/{one}" for one in FOLDERS)
        if any(path.startswith(f"{folder}/") for path in needed)
    }
    files = {path for path in needed if not path.startswith((*(f"{folder}/" for folder in folders), own))}
    assert listed == [own, *sorted(files | folders)], f"stage {name}: list these in dvc.yaml"


def test_stage_train_lists_no_code() -> None:
    assert not [dep for dep in stages()["train"]["deps"] if dep.startswith("pipeline")]


def test_stage_lists_no_section_that_only_changes_speed() -> None:
    for name, stage in stages().items():
        assert not [key for key in stage["params"] if key.split(".")[0] in {"hardware", "hub"}], name


def test_tests_take_nothing_out_of_other_tests() -> None:
    """What several tests need stands in a conftest.py or in tests/support."""
    for path in (PROJECT / "tests").rglob("*.py"):
        taken = {
            f"{node.module}.{alias.name}"
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("tests")
            for alias in node.names
        }
        wrong = {name for name in taken if ".test_" in name}
        assert not wrong, f"{path} takes {wrong} out of another test; move what both need to tests/support"


def test_lock_holds_exact_versions_with_hashes_and_no_torch() -> None:
    lines = (PROJECT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    pinned = [line for line in lines if line and not line.startswith((" ", "#"))]
    assert pinned
    # Each is followed by the hashes of its files.
    assert all("==" in line and line.endswith(" \\") for line in pinned)
    assert not [line for line in lines if "+cpu" in line]
    assert not [line for line in pinned if line.startswith(("torch==", "nvidia-", "triton=="))]


def test_project_has_typed_marker_and_no_relative_imports() -> None:
    assert (PROJECT / "pipeline" / "py.typed").is_file()
    for path in MODULES.values():
        imports(path)
