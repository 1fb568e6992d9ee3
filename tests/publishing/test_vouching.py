"""What speaks for files that the Hub gave, and what against them, without a Hub."""

from pathlib import Path

import pytest

from pipeline.errors import Contradicted
from pipeline.publishing import vouching
from pipeline.publishing.provenance import Statement
from pipeline.publishing.vouching import Asked, Given, Known, Stood
from pipeline.records import Receipt
from tests.support.records import receipt

REPO = "tester/tuned"
FIRST, SECOND = {"config.json": "1"}, {"config.json": "2"}


def released(version: str, files: dict[str, str]) -> Receipt:
    return receipt(version).model_copy(update={"files": files})


def known(*files: dict[str, str], deployed: tuple[Stood, ...] = ()) -> Known:
    """Know one release of each, v1 and on."""
    return Known(tuple(released(f"v{place}", one) for place, one in enumerate(files, 1)), deployed)


def asked(revision: str) -> Asked:
    return Asked.parse(f"{REPO}@{revision}")


def statement(version: str, files: dict[str, str], **said: str) -> Statement:
    return Statement(repository=REPO, version=version, candidate="c", files=files, **said)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("revision", "version"),
    [("v2", "v2"), ("v12", "v12"), ("main", None), ("vv1", None), ("v", None), ("v1.0", None), ("v²", None)],
)
def test_vouching_asks_for_a_version_where_a_tag_names_one(revision: str, version: str | None) -> None:
    assert asked(revision).version == version


def test_vouching_by_the_receipt_of_the_version_that_is_asked_for() -> None:
    """A rollback of before it had a statement of its own has another version's files."""
    here = known(FIRST, SECOND, FIRST)
    for revision in ("v1", "v3"):
        found = vouching.receipt_of(asked(revision), Given("anywhere", FIRST), here)
        assert found is not None
        assert found.version == revision
    with pytest.raises(Contradicted, match=r"@v2 gives other files .* \(they are those of v3\)\. Do not use"):
        vouching.receipt_of(asked("v2"), Given("anywhere", FIRST), here)


def test_vouching_takes_the_receipt_of_the_commit_before_the_newest_of_the_same_files() -> None:
    here = known(FIRST, SECOND, FIRST)
    for commit, version in ((here.receipts[0].commit, "v1"), ("anywhere", "v3")):
        found = vouching.receipt_of(asked("main"), Given(commit, FIRST), here)
        assert found is not None
        assert found.version == version
    assert vouching.receipt_of(asked("main"), Given("anywhere", {}), here) is None
    with pytest.raises(
        Contradicted, match=r"@main gives other files than the receipt of v2 of .*config.json di"
    ):
        vouching.receipt_of(asked("main"), Given(here.receipts[1].commit, {}), here)


def test_vouching_without_receipts_is_for_others() -> None:
    assert vouching.receipt_of(asked("v1"), Given("c", FIRST), known()) is None
    vouching.refuse_claim(asked("v1"), Given("c", FIRST), statement("v1", FIRST), known())
    vouching.refuse_older(asked("main"), Given("c", FIRST), "v1", known(), "deployed")
    vouching.refuse_missing(asked("v1"), known())


@pytest.mark.parametrize("version", ["v" + "9" * 5000, "vb", "", "\x1b[2J"])
def test_vouching_refuses_a_claim_of_what_is_no_version(version: str) -> None:
    with pytest.raises(Contradicted) as caught:
        vouching.refuse_claim(asked("v2"), Given("c", SECOND), statement(version, SECOND), known(FIRST))
    assert "\x1b" not in str(caught.value)
    with pytest.raises(Contradicted, match="wanted v1") as caught:
        vouching.refuse_older(asked("main"), Given("c", SECOND), version, known(FIRST), "deployed")
    assert "\x1b" not in str(caught.value)


def test_vouching_lets_main_be_later_than_what_is_known_here() -> None:
    here = known(FIRST)
    vouching.refuse_claim(asked("main"), Given("c", SECOND), statement("v2", SECOND), here)
    vouching.refuse_older(asked("main"), Given("c", SECOND), "v2", here, "deployed")
    for previous in (None, here.receipts[0].commit):
        said = statement("v2", SECOND).model_copy(update={"previous": previous})
        vouching.refuse_claim(asked("v2"), Given("c", SECOND), said, here)


def test_vouching_takes_equal_bytes_for_the_release_that_should_stand_there() -> None:
    here = known(FIRST, SECOND, FIRST)
    vouching.refuse_older(asked("main"), Given(here.receipts[0].commit, FIRST), "v1", here, "deployed")
    with pytest.raises(
        Contradicted, match=f"@main gives 'v2', at c; wanted v3, at {here.receipts[2].commit}, or"
    ):
        vouching.refuse_older(asked("main"), Given("c", SECOND), "v2", here, "deployed")


def test_vouching_of_a_deployed_tag_goes_by_the_newest_entry_of_the_log() -> None:
    """A service may be moved back, by `deployed`."""
    back = (Stood("v2", "b", "the log"), Stood("v1", "a", "the log"))
    here = known(FIRST, SECOND, deployed=back)
    vouching.refuse_older(asked("deployed"), Given("a", FIRST), "v1", here, "deployed")
    vouching.refuse_older(asked("deployed"), Given("b", SECOND), "v2", here, "deployed")
    with pytest.raises(
        Contradicted, match="@live gives no release that is known here, at c; wanted v1, at a"
    ):
        vouching.refuse_older(asked("live"), Given("c", {}), None, here, "live")
    adopted = known(deployed=(Stood("adopted-1", "a", "the log"),))
    vouching.refuse_older(asked("deployed"), Given("b", SECOND), "v2", adopted, "deployed")


def test_vouching_in_a_folder_without_git_knows_nothing(tmp_path: Path) -> None:
    assert Known.of(tmp_path, REPO) == known()
