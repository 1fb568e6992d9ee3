"""A retrieval set is fetched from one repository or two, and what is missing is named with the way out."""

from pathlib import Path

import pytest

from pipeline.errors import InvalidData
from pipeline.params.pin import RetrievalFiles
from pipeline.stages.pin import measured_sets
from tests.conftest import Stage
from tests.support import workspaces
from tests.support.hubs import hub_at
from tests.support.retrieval_sets import CORPUS, QRELS, QUERIES, write
from tests.support.splits import PIN


def test_measured_sets_take_qrels_of_another_repository_and_say_so_where_they_are_missing(
    writer: Stage, tmp_path: Path
) -> None:
    write(tmp_path / "texts" / "corpus.jsonl", CORPUS)
    write(tmp_path / "texts" / "queries.jsonl", QUERIES)
    write(tmp_path / "qrels" / "test.tsv", QRELS)
    texts, qrels = (
        {
            "repo": f"tester/{name}",
            "revision": workspaces.put(writer.endpoint, f"tester/{name}", "dataset", path),
        }
        for name, path in (("beir", tmp_path / "texts"), ("beir-qrels", tmp_path / "qrels"))
    )
    asked = texts | {"corpus": "corpus.jsonl", "queries": "queries.jsonl", "qrels": "test.tsv"}
    for named in ("test.tsv", "qrels/test.tsv"):
        missing = RetrievalFiles.model_validate(asked | {"qrels": named})
        with pytest.raises(
            InvalidData, match=rf"has no {named}, .* revision: \w{{40}}}}, .*\.qrels: test\.tsv$"
        ) as e:
            measured_sets.fetch(hub_at(), "retrieval", missing, PIN)
        assert qrels["revision"] in str(e.value)
    elsewhere = RetrievalFiles.model_validate(asked | {"qrels": "dev.tsv"})
    with pytest.raises(InvalidData, match=r"\.qrels: .* or test\.tsv$"):
        measured_sets.fetch(hub_at(), "retrieval", elsewhere, PIN)
    both = RetrievalFiles.model_validate(asked | {"qrels_from": qrels})
    found = measured_sets.fetch(hub_at(), "retrieval", both, PIN)
    assert found.qrels is not None
    assert (found.pinned.repo, found.qrels.repo) == ("tester/beir", "tester/beir-qrels")
    assert set(found.pinned.files) == {"corpus.jsonl", "queries.jsonl"}
    assert (found.tables["qrels"].height, found.unknown_qrels) == (3, 0)
