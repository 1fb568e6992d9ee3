"""Who imports whom in the project, read from its code."""

import ast
from pathlib import Path

from tests.support.workspaces import PROJECT

CODE = ("pipeline", "flows", "localhub", "sample", "bench")


def module_name(path: Path) -> str:
    """Return the name by which a file of the project is imported."""
    parts = path.relative_to(PROJECT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for folder in CODE for path in (PROJECT / folder).rglob("*.py")}


def imports(path: Path) -> set[str]:
    """Return the modules that a file imports, the project's own by their full names."""
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
    """Return the project's own modules that one of them imports."""
    return {found for found in imports(MODULES[name]) if found in MODULES}


def reached(name: str) -> set[str]:
    """Return the modules that run where one of them is imported, that one among them."""
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        one = waiting.pop()
        if one not in seen:
            seen.add(one)
            waiting += project_imports(one)
    return seen
