"""`release` asks the gate again: a verdict that somebody edited goes nowhere, whatever DVC was told of it."""

import json
import subprocess
from pathlib import Path

from huggingface_hub import HfApi

from pipeline.commands import release
from pipeline.errors import ReleaseRefused
from pipeline.params import load
from pipeline.records import Card, Verdict
from pipeline.stages.gate import step as gate
from pipeline.workspace import lineage, log, paths
from tests.conftest import Stage
from tests.support import releasing, sealed, workspaces
from tests.support.workspaces import git, set_params

REPO = workspaces.MIXED["release.repo"]


def test_release_refuses_a_verdict_edited_to_a_yes(line: Path, writer: Stage, tmp_path: Path) -> None:
    """By the steps of an insider: the record, `dvc commit`, a card of it."""
    env = workspaces.environment(writer.endpoint, tmp_path / "home")

    def dvc(*arguments: str) -> None:
        subprocess.run(["dvc", *arguments], cwd=line, env=env, capture_output=True, check=True)

    set_params(line, {"gate.floors": {32: 1.0, 16: 1.0, 4: 1.0}})
    dvc("repro", "gate")
    path = line / paths.RECORDS["gate"]
    assert not Verdict.load(path).passed
    content = json.loads(path.read_text(encoding="utf-8"))
    for check in content["checks"].values():
        check["passed"] = True
    path.write_text(json.dumps(content | {"passed": True, "outcome": "passed"}), encoding="utf-8")
    dvc("commit", "-f", "gate")
    dvc("repro", "--single-item", "card")
    git(line, "commit", "--quiet", "--all", "--message", "Judged")
    ran = workspaces.pipeline(line, env, "release")
    assert ran.returncode == 1, ran.stdout
    assert "records/verdict.json says passed is True, and the gate, asked again, says False" in ran.stderr
    assert "dvc repro --force --single-item gate" in ran.stderr
    assert not HfApi(endpoint=writer.endpoint, token=workspaces.TOKEN).repo_exists(REPO)


def test_release_refuses_a_verdict_on_other_outcomes(ready: Path, api: HfApi) -> None:
    path = ready / paths.RECORDS["gate"]
    said = Verdict.load(path)
    named = next(iter(said.comparisons))
    better = said.comparisons[named].model_copy(update={"difference": 0.25})
    lineage.seal(
        ready,
        lineage.opened(ready, "gate"),
        said.model_copy(update={"comparisons": said.comparisons | {named: better}}),
    )
    _card_again(ready)
    assert f"says comparisons.{named}.difference is 0.25" in releasing.refusal(ready, ReleaseRefused)
    assert not api.repo_exists(releasing.REPO)


def test_release_refuses_a_verdict_of_which_the_log_knows_no_look(ready: Path, api: HfApi) -> None:
    git(log.home(ready), "update-ref", "-d", log.REF)
    assert "the log holds no look of candidate" in releasing.refusal(ready, ReleaseRefused)
    assert not api.repo_exists(releasing.REPO)
    gate.run(ready, load(ready))
    assert releasing.run(ready)[0].version == "v1"


def test_release_asks_with_the_log_as_it_was_at_the_candidates_look(ready: Path) -> None:
    """Whoever was judged since does not make it another verdict."""
    model = (ready / "model" / "config.json").read_bytes()
    assert Verdict.load(ready / paths.RECORDS["gate"]).look == 1
    (ready / "model" / "config.json").write_bytes(model + b" ")
    sealed.seal(ready)
    assert Verdict.load(ready / paths.RECORDS["gate"]).look == 2
    (ready / "model" / "config.json").write_bytes(model)
    sealed.seal(ready)
    assert Verdict.load(ready / paths.RECORDS["gate"]).look == 1
    receipt, _ = release.run(ready, load(ready))
    assert receipt.verdict is not None
    assert receipt.verdict.look == 1


def _card_again(folder: Path) -> None:
    """Seal the card over the verdict that stands there, and tell DVC."""
    lineage.seal(folder, lineage.opened(folder, "card"), Card.load(folder / paths.RECORDS["card"]))
    workspaces.commit(folder)
