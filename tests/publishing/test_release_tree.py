"""The tree that a release puts on main: the model's files and the card's, each once."""

from pathlib import Path

import pytest

from pipeline.embedding.vector_space import CONFIG
from pipeline.errors import ReleaseRefused
from pipeline.hub import ListedFile
from pipeline.publishing import release_tree
from pipeline.publishing.release_tree import PROVENANCE, SIGNATURE, TITLE
from pipeline.workspace import digests

CANDIDATE = "c" * 64


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    for name in ("model/1_Pooling/config.json", f"model/{CONFIG}", "card/README.md", f"card/{CONFIG}"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


def intent(files: dict[str, Path], **more: str) -> release_tree.Intent:
    return release_tree.intend("a/b", "v3", CANDIDATE, files, ["look 2"], **more)


def listed(folder: Path, *paths: str) -> dict[str, ListedFile]:
    return {path: ListedFile(path, 1, f"sha256:{digests.sha256(folder / path)}") for path in paths}


def test_release_tree_takes_the_configuration_from_the_card(folders: Path) -> None:
    found = release_tree.contents(folders)
    assert set(found) == {"1_Pooling/config.json", CONFIG, "README.md"}
    assert found[CONFIG] == folders / "card" / CONFIG


def test_release_tree_refuses_a_file_that_stands_twice(folders: Path) -> None:
    (folders / "model" / "README.md").write_text("another")
    with pytest.raises(ReleaseRefused, match=r"README.md stands in model/ and in card/"):
        release_tree.contents(folders)


@pytest.mark.parametrize("name", [PROVENANCE, SIGNATURE])
def test_release_tree_refuses_what_release_itself_writes(folders: Path, name: str) -> None:
    (folders / "model" / name).write_text("forged")
    with pytest.raises(ReleaseRefused, match=name):
        release_tree.contents(folders)


def test_intent_title_is_told_from_other_peoples(tmp_path: Path) -> None:
    assert TITLE.fullmatch(intent({}).title)
    assert TITLE.fullmatch(intent({}, restores="v1").title)
    assert not TITLE.fullmatch("v3: a better README")


def test_intent_is_the_tree_only_with_each_file_as_it_is(folders: Path) -> None:
    files = {"README.md": folders / "card" / "README.md", CONFIG: folders / "card" / CONFIG}
    wanted = intent(files)
    there = listed(folders / "card", *files)
    assert wanted.is_tree(there)
    assert wanted.is_tree(there | {".gitattributes": ListedFile(".gitattributes", 1, "git:0")})
    assert not wanted.is_tree({"README.md": there["README.md"]})
    assert not wanted.is_tree(there | {"theirs.txt": there[CONFIG]})
    assert not wanted.is_tree(there | {CONFIG: there["README.md"]})


def test_intent_takes_any_signature_for_equal_because_its_key_checks_it(folders: Path) -> None:
    (folders / SIGNATURE).write_text("drawn anew")
    signed = intent({SIGNATURE: folders / SIGNATURE})
    assert signed.is_tree({SIGNATURE: ListedFile(SIGNATURE, 1, "sha256:" + "0" * 64)})


def test_intent_deletes_what_it_does_not_have_but_nothing_of_the_hub(folders: Path) -> None:
    there = listed(folders / "card", "README.md", CONFIG)
    there[".gitattributes"] = ListedFile(".gitattributes", 1, "git:0")
    assert intent({CONFIG: folders / "card" / CONFIG}).stale(there) == ["README.md"]


def test_assembled_release_holds_the_bytes_of_each_file(folders: Path, tmp_path: Path) -> None:
    files = release_tree.contents(folders)
    laid = release_tree.assemble(tmp_path / "laid", files)
    assert {path: (laid / path).read_bytes() for path in files} == {
        path: file.read_bytes() for path, file in files.items()
    }
