"""What only takes up disk is shown first, and removed where that is asked."""

from pathlib import Path

from pipeline.commands import clean
from pipeline.params import load
from pipeline.workspace import dvc, lineage, paths
from tests.support.workspaces import run_dvc


def checkpoint(folder: Path) -> Path:
    made = folder / "checkpoint-5" / "model.safetensors"
    made.parent.mkdir(parents=True)
    made.write_bytes(b"0" * 1000)
    return folder


def test_clean_shows_and_removes_nothing_until_it_is_told(line: Path) -> None:
    over = checkpoint(line / paths.CHECKPOINTS / "0123456789abcdef")
    mine = checkpoint(lineage.checkpoints(line, lineage.opened(line, "train")))
    (line / "model" / "more").write_text("a candidate that nobody released")
    run_dvc(line, "commit", "--force", "train")
    (line / "model" / "more").unlink()
    run_dvc(line, "commit", "--force", "train")
    shown = clean.run(line, load(line))
    assert list(shown.checkpoints.values()) == [1000]
    assert shown.cache
    assert over.exists()
    assert "run `katman clean --remove`" in clean.summary(shown)
    done = clean.run(line, load(line), remove=True)
    assert (done.cache, done.checkpoints) == (shown.cache, shown.checkpoints)
    assert not over.exists()
    assert mine.exists(), "a training that was killed goes on from there"
    assert dvc.unused(line) == []
    assert lineage.broken_links(line) == []
    assert clean.run(line, load(line)).size == 0
    assert "nothing to remove" in clean.summary(clean.run(line, load(line)))


def test_clean_of_a_workspace_that_never_ran_leaves_checkpoints(line: Path) -> None:
    over = checkpoint(line / paths.CHECKPOINTS / "0123456789abcdef")
    for path in ("train", "dev"):
        paths.clean(line, path).unlink()
    assert clean.run(line, load(line), remove=True).checkpoints == {}
    assert over.exists()


def test_clean_leaves_a_cache_alone_that_others_may_share(line: Path, tmp_path: Path) -> None:
    shared = line / ".dvc" / "cache"
    shared.rename(tmp_path / "shared")
    run_dvc(line, "cache", "dir", str(tmp_path / "shared"))
    foreign = tmp_path / "shared" / "files" / "md5" / "00" / ("0" * 30)
    foreign.parent.mkdir(parents=True, exist_ok=True)
    foreign.write_text("of another project")
    assert clean.run(line, load(line), remove=True).cache == {}
    assert foreign.exists()
