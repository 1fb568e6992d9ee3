"""The list of held-out groups: appended to, never rewritten, and refused where it was damaged."""

from pathlib import Path

import polars as pl
import pytest

from pipeline.errors import InvalidData
from pipeline.records.log import Held
from pipeline.workspace import holdout, log, paths
from tests.support.workspaces import git, repository

COMMITS = ("a" * 40, "b" * 40)


def group(number: int) -> str:
    return f"{number:016x}"


def held(*rows: tuple[int, str], folding: str = "tr") -> pl.DataFrame:
    return pl.DataFrame(
        [(group(number), split, folding) for number, split in rows],
        schema={"group": pl.String, "split": pl.String, "folding": pl.String},
        orient="row",
    )


def test_ledger_of_a_new_workspace_holds_nothing(tmp_path: Path) -> None:
    assert holdout.read(tmp_path).rows() == []
    assert not (tmp_path / paths.LEDGER).exists()


def test_ledger_reads_back_what_was_appended_sorted(tmp_path: Path) -> None:
    holdout.append(tmp_path, held((2, "dev"), (1, "test")), COMMITS[0])
    text = (tmp_path / paths.LEDGER).read_text(encoding="utf-8")
    assert text == f"{group(1)} test {COMMITS[0]} tr\n{group(2)} dev {COMMITS[0]} tr\n"
    assert holdout.read(tmp_path).rows() == [
        (group(1), "test", COMMITS[0], "tr"),
        (group(2), "dev", COMMITS[0], "tr"),
    ]


def test_ledger_lines_name_their_folding_one_after_the_other(tmp_path: Path) -> None:
    both = pl.concat([held((2, "dev"), (3, "test")), held((1, "dev"), (3, "test"), folding="en")])
    holdout.append(tmp_path, both, COMMITS[0])
    assert holdout.read(tmp_path).select("group", "folding").rows() == [
        (group(2), "tr"),
        (group(3), "tr"),
        (group(1), "en"),
        (group(3), "en"),
    ]


def test_ledger_lines_without_a_folding_are_turkish_and_stay_as_they_are(tmp_path: Path) -> None:
    old = f"{group(9)} dev {COMMITS[0]}\n"
    (tmp_path / paths.LEDGER).write_text(old, encoding="utf-8")
    holdout.append(tmp_path, held((9, "dev"), folding="en"), COMMITS[1])
    assert (tmp_path / paths.LEDGER).read_text(encoding="utf-8") == f"{old}{group(9)} dev {COMMITS[1]} en\n"
    assert holdout.read(tmp_path)["folding"].to_list() == ["tr", "en"]


def test_ledger_only_ever_grows_at_its_end(tmp_path: Path) -> None:
    holdout.append(tmp_path, held((5, "dev"), (7, "test")), COMMITS[0])
    before = (tmp_path / paths.LEDGER).read_bytes()
    holdout.append(tmp_path, held((1, "dev"), (6, "test")), COMMITS[1])
    after = (tmp_path / paths.LEDGER).read_bytes()
    assert after.startswith(before)
    added = f"{group(1)} dev {COMMITS[1]} tr\n{group(6)} test {COMMITS[1]} tr\n"
    assert after[len(before) :].decode() == added


def test_ledger_without_anything_new_is_not_written_again(tmp_path: Path) -> None:
    holdout.append(tmp_path, held((5, "dev")), COMMITS[0])
    before = (tmp_path / paths.LEDGER).stat()
    holdout.append(tmp_path, held(), COMMITS[1])
    after = (tmp_path / paths.LEDGER).stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_ledger_is_a_file_even_where_nothing_is_held_out(tmp_path: Path) -> None:
    holdout.append(tmp_path, held(), COMMITS[0])
    assert (tmp_path / paths.LEDGER).read_bytes() == b""


def test_ledger_that_lost_its_last_line_end_is_not_glued_to_what_follows(tmp_path: Path) -> None:
    (tmp_path / paths.LEDGER).write_text(f"{group(1)} dev {COMMITS[0]}", encoding="utf-8")
    holdout.append(tmp_path, held((2, "dev")), COMMITS[1])
    assert holdout.read(tmp_path)["group"].to_list() == [group(1), group(2)]


@pytest.mark.parametrize(
    "line",
    [
        "",
        "<<<<<<< HEAD",
        f"{group(1)[:-1]} dev {COMMITS[0]}",
        f"{group(1).upper()[:-1]}A dev {COMMITS[0]}",
        f"{group(1)} train {COMMITS[0]}",
        f"{group(1)} dev main",
        f"{group(1)} dev {COMMITS[0]} ",
        f"{group(1)}\tdev\t{COMMITS[0]}",
        f"{group(1)} dev {COMMITS[0]}\r",
        "\xff",
    ],
)
def test_ledger_names_the_line_that_is_none(tmp_path: Path, line: str) -> None:
    good = f"{group(8)} dev {COMMITS[0]}\n"
    (tmp_path / paths.LEDGER).write_bytes(f"{good}{line}\n{group(9)} dev {COMMITS[0]}\n".encode("latin-1"))
    with pytest.raises(
        InvalidData, match=r"line 2 of .*splits.ledger is .*wanted GROUP SPLIT COMMIT"
    ) as caught:
        holdout.read(tmp_path)
    assert "git checkout splits.ledger" in str(caught.value)


def test_ledger_names_a_group_that_stands_twice(tmp_path: Path) -> None:
    lines = (f"{group(1)} dev {COMMITS[0]}", f"{group(2)} dev {COMMITS[0]}", f"{group(1)} test {COMMITS[1]}")
    (tmp_path / paths.LEDGER).write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(InvalidData, match=f"line 3 of .* names the group {group(1)} again, after line 1"):
        holdout.read(tmp_path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A workspace whose ledger can be logged."""
    repository(tmp_path, dvc=False)
    return tmp_path


def logged(folder: Path) -> list[str]:
    entries = log.entries(folder).values()
    return [line for entry in entries if isinstance(entry.what, Held) for line in entry.what.lines]


def test_ledger_that_was_taken_back_comes_back_from_the_log(folder: Path) -> None:
    holdout.keep(folder, held((5, "dev"), (7, "test")), COMMITS[0])
    whole = (folder / paths.LEDGER).read_bytes()
    git(folder, "add", paths.LEDGER)
    git(folder, "commit", "--quiet", "--message", "Pin")
    holdout.keep(folder, held((9, "test")), COMMITS[1])
    git(folder, "checkout", "--quiet", "--", paths.LEDGER)
    assert (folder / paths.LEDGER).read_bytes() == whole
    assert holdout.known(folder)["group"].to_list() == [group(5), group(7), group(9)]
    (folder / paths.LEDGER).unlink()
    holdout.keep(folder, held(), COMMITS[1])
    lines = (
        f"{group(5)} dev {COMMITS[0]} tr\n{group(7)} test {COMMITS[0]} tr\n{group(9)} test {COMMITS[1]} tr\n"
    )
    assert (folder / paths.LEDGER).read_text(encoding="utf-8") == lines
    assert len(logged(folder)) == 3


def test_ledger_of_another_clone_is_taken_into_the_log(folder: Path) -> None:
    holdout.append(folder, held((5, "dev")), COMMITS[0])
    holdout.keep(folder, held((7, "test")), COMMITS[1])
    assert logged(folder) == [f"{group(5)} dev {COMMITS[0]} tr", f"{group(7)} test {COMMITS[1]} tr"]
    holdout.keep(folder, held(), COMMITS[1])
    assert len(log.entries(folder)) == 1


def test_ledger_that_moves_a_group_to_another_split_is_put_right_by_the_log(folder: Path) -> None:
    holdout.keep(folder, held((5, "test")), COMMITS[0])
    (folder / paths.LEDGER).write_text(f"{group(5)} dev {COMMITS[1]}\n", encoding="utf-8")
    assert holdout.known(folder).rows() == [(group(5), "test", COMMITS[0], "tr")]
    holdout.keep(folder, held(), COMMITS[1])
    assert (folder / paths.LEDGER).read_text(encoding="utf-8") == f"{group(5)} test {COMMITS[0]} tr\n"
    assert logged(folder) == [f"{group(5)} test {COMMITS[0]} tr"]
