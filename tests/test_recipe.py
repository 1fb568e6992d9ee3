"""`train.recipe_version` stands for the code that train runs; this watches that it is raised."""

import ast
import hashlib
import json
from pathlib import Path

from pipeline.params import load
from tests.support.imports import MODULES, reached
from tests.support.workspaces import PROJECT

ACCEPTED = Path(__file__).with_name("recipe.json")


def fingerprint() -> str:
    """Digest the project's code that train runs: its syntax trees, docstrings and comments aside."""
    digest = hashlib.sha256()
    for name in sorted(reached("pipeline.stages.train.step")):
        tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                first = node.body[0] if node.body else None
                if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                    node.body = node.body[1:]
        digest.update(f"{name}\n{ast.dump(tree)}\n".encode())
    return digest.hexdigest()


def test_recipe_version_is_raised_when_weights_can_change() -> None:
    now = {"recipe_version": load(PROJECT).train.recipe_version, "fingerprint": fingerprint()}
    accepted = json.loads(ACCEPTED.read_text(encoding="utf-8"))
    assert now == accepted, (
        "the code that train runs was changed: raise train.recipe_version if weights can change, "
        f"else accept the new fingerprint, by writing {json.dumps(now)} to {ACCEPTED.name}"
    )
