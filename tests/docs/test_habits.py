"""What is run before a commit, by hand and in CI is one thing."""

import re
from typing import Any

from ruamel.yaml import YAML

from tests.support.workspaces import PROJECT


def read(path: str) -> Any:
    return YAML(typ="safe").load(PROJECT / path)


def test_hosted_ci_runs_the_commands_of_ci_run() -> None:
    script = (PROJECT / ".ci" / "run").read_text(encoding="utf-8")
    steps = read(".github/workflows/ci.yaml")["jobs"]["everything"]["steps"]
    assert [step["run"] for step in steps if "run" in step] == re.findall(r"^make .*$", script, re.MULTILINE)


def test_hooks_run_what_lint_runs() -> None:
    hooks = [hook for repo in read(".pre-commit-config.yaml")["repos"] for hook in repo["hooks"]]
    recipe = (PROJECT / "Makefile").read_text(encoding="utf-8").partition("\nlint:")[2].partition("\n\n")[0]
    linted = {tuple(line.split()[:2]) for line in re.findall(r"^\t\$\(BIN\)/(.*)$", recipe, re.MULTILINE)}
    hooked = {tuple(hook["entry"].removeprefix(".venv/bin/").split()[:2]) for hook in hooks}
    assert hooked == linted
