"""A Hub that gives other content for a commit than before, everything else fitting: list, digests, bytes."""

import hashlib
import json

import pytest

from pipeline.errors import BrokenChain
from pipeline.hub import Hub
from pipeline.params import load
from pipeline.records import Pin, PinnedFile, PinnedRepo
from pipeline.records.pin import RepoKind
from pipeline.stages.pin import downloads, fetched
from pipeline.stages.pin import step as pin
from tests.conftest import Make, Stage
from tests.hostile.interceptor import Answer, Change, between
from tests.support import workspaces
from tests.support.golden_records import GOLDEN
from tests.support.hubs import hub_at
from tests.support.splits import PIN

EVIL = b'{"evil": true}\n'


def holding_evil(path: str, repo: str) -> Change:
    """Give evil for a file, and list the digest of evil for it."""
    oid = hashlib.sha1(b"blob %d\0" % len(EVIL) + EVIL).hexdigest()

    def change(answer: Answer) -> Answer:
        if f"/{repo}/" not in answer.path:
            return answer
        if "/tree/" in answer.path:
            rows = json.loads(answer.body)
            for row in rows:
                if row["path"] == path:
                    row.pop("lfs", None)
                    row |= {"size": len(EVIL), "oid": oid}
            return answer.holding_json(rows)
        if answer.path.endswith(f"/{path}"):
            return answer.saying(ETag=f'"{oid}"', X_Linked_ETag=None).holding(EVIL)
        return answer

    return change


def without(path: str, repo: str) -> Change:
    """List all files of a repository but one."""

    def change(answer: Answer) -> Answer:
        if f"/{repo}/" not in answer.path or "/tree/" not in answer.path:
            return answer
        return answer.holding_json([row for row in json.loads(answer.body) if row["path"] != path])

    return change


FILES = [
    ("config.json", "tester/tiny"),
    ("model.safetensors", "tester/tiny"),
    ("tokenizer.json", "tester/tiny"),
    ("README.md", "tester/triplets"),
    ("data/train-00000-of-00001.parquet", "tester/triplets"),
]
CASES = [(attack, *file) for attack in (holding_evil, without) for file in FILES]


def first_pin(stage: Stage) -> Pin:
    """Give the record of an earlier `pin`."""

    def pinned(kind: RepoKind, repo: str, commit: str) -> PinnedRepo:
        listed = hub_at(stage.endpoint).files(repo, kind, commit).items()
        files = {path: PinnedFile(size=one.size, digest=one.digest) for path, one in listed}
        return PinnedRepo(repo=repo, revision=commit, private=False, license=None, files=files)

    return GOLDEN.pin.model_copy(
        update={
            "dataset": pinned("dataset", "tester/triplets", stage.dataset),
            "base": pinned("model", "tester/tiny", stage.base),
        }
    )


def fetch(hub: Hub, repo: str, stage: Stage) -> None:
    if repo == "tester/tiny":
        downloads.base(hub, repo, stage.base, (), max_workers=1)
    else:
        downloads.data(hub, repo, stage.dataset, PIN)


@pytest.mark.parametrize("told_by", ["log", "history"])
def test_pin_stops_where_a_commit_changed(make_workspace: Make, writer: Stage, told_by: str) -> None:
    folder = make_workspace({}, dvc=False)
    record = folder / "records" / "pin.json"
    if told_by == "log":
        fetched.keep(folder, first_pin(writer))
    else:  # a workspace of before the log kept it
        record.parent.mkdir(exist_ok=True)
        record.write_text(first_pin(writer).model_dump_json())
        workspaces.git(folder, "add", "--all")
        workspaces.git(folder, "commit", "--quiet", "-m", "pinned")
        record.unlink()  # as DVC does before the step
    for attack, path, repo in CASES:
        with between(writer.endpoint, attack(path, repo)) as endpoint:
            hub = Hub(load(folder).hub.model_copy(update={"endpoint": endpoint}), fetched.known(folder))
            with pytest.raises(
                BrokenChain, match=rf"^{path} of \w+ {repo} at \w+ is .*and was .*first fetched it"
            ):
                fetch(hub, repo, writer)
    attack, path, repo = CASES[-1]
    with between(writer.endpoint, attack(path, repo)) as endpoint:
        workspaces.set_params(folder, {"hub.endpoint": endpoint})
        with pytest.raises(BrokenChain, match="first fetched it"):
            pin.run(folder, load(folder))
    assert not record.exists()
