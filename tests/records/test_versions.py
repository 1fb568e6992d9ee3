"""What version 0.1 left in git and no step writes again is read as it stands."""

from pipeline.records import Approval, Receipt, RepoRef

APPROVAL = '{"name": "Ayşe", "reason": "the index is rebuilt", "approved_at": "2026-02-02T10:00:00+00:00"}'
RECEIPT = """
{
  "kind": "release",
  "endpoint": "https://huggingface.co",
  "repo": "owner/tuned",
  "commit": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
  "parent": "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
  "version": "v2",
  "restores": null,
  "pull_request": 3,
  "candidate": "c",
  "recipe": "d",
  "recipe_version": 3,
  "dataset": {"repo": "owner/data", "revision": "1111111111111111111111111111111111111111"},
  "base": {"repo": "owner/base", "revision": "2222222222222222222222222222222222222222"},
  "live": {"repo": "owner/tuned", "revision": "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"},
  "anchor": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
  "space": "c",
  "verdict": {"outcome": "passed", "checks": 41, "look": 2, "better_than_anchor": true},
  "approval": null,
  "probe": {"1-0": 0.123456},
  "records": {"records/verdict.json": "e"},
  "files": {"README.md": "f"},
  "dvc_lock": "0",
  "code_commit": "9999999999999999999999999999999999999999",
  "released_by": "owner",
  "released_at": "2026-02-02T11:00:00+00:00"
}
"""


def test_receipt_of_0_1_is_read() -> None:
    receipt = Receipt.model_validate_json(RECEIPT)
    assert receipt.dataset == RepoRef(repo="owner/data", revision="1" * 40)
    assert receipt.live == RepoRef(repo="owner/tuned", revision="b" * 40)
    assert receipt.verdict is not None
    assert receipt.verdict.outcome == "passed"


def test_approval_of_0_1_is_read() -> None:
    assert Approval.model_validate_json(APPROVAL).name == "Ayşe"
