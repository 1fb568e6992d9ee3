"""Retrieval sets and pairs, as they lie on the Hub, and what is refused of them."""

import gzip
import json
from pathlib import Path

import polars as pl
import pytest

from pipeline.errors import InvalidData
from pipeline.params.pin import PairsProbe, RetrievalFiles
from pipeline.stages.pin.tables import beir
from tests.support.retrieval_sets import CORPUS, PAIRS, QRELS, QUERIES, Table, write


def files(**changes: str) -> RetrievalFiles:
    values = {"corpus": "corpus.jsonl", "queries": "queries.jsonl", "qrels": "qrels/test.tsv"}
    return RetrievalFiles.model_validate({"repo": "tester/set", "revision": "0" * 40, **values, **changes})


def retrieval(folder: Path, suffix: str = ".jsonl", **changes: Table) -> dict[str, pl.DataFrame]:
    tables = {"corpus": CORPUS, "queries": QUERIES, "qrels": QRELS} | changes
    for name, table in tables.items():
        write(folder / f"{name}{suffix}", table)
    return beir.retrieval(folder, files(**{name: f"{name}{suffix}" for name in tables}), "retrieval")[0]


def pairs(folder: Path, table: Table, suffix: str = ".parquet", **changes: str) -> pl.DataFrame:
    write(folder / f"pairs{suffix}", table)
    values = {"file": f"pairs{suffix}", "first": "a", "second": "b", "score": "score"}
    params = PairsProbe.model_validate(
        {"kind": "pairs", "repo": "tester/sts", "revision": "0" * 40, **values, **changes}
    )
    return beir.pairs(folder, params, "probes.sts")["pairs"]


@pytest.mark.parametrize("suffix", [".parquet", ".jsonl", ".tsv"])
def test_beir_reads_the_same_set_whatever_its_files_are(tmp_path: Path, suffix: str) -> None:
    found = retrieval(tmp_path, suffix)
    assert found["corpus"].rows() == [("d1", "Fatura ödenir"), ("d2", "hat"), ("d3", 'tarife "x"')]
    assert found["queries"].rows() == [("q1", "fatura nasıl ödenir"), ("q2", "hat")]
    assert found["qrels"].rows() == [("q1", "d1", 2.0), ("q1", "d3", 0.0), ("q2", "d2", 1.0)]
    assert found["corpus"].columns == found["queries"].columns == ["id", "text"]
    assert found["qrels"].schema == {"query": pl.String, "document": pl.String, "score": pl.Float64}


def test_beir_reads_other_names_of_columns_and_numbers_for_ids(tmp_path: Path) -> None:
    found = retrieval(
        tmp_path,
        ".parquet",
        corpus={"id": [7, 8], "text": ["a", "b"], "url": ["x", "y"]},
        queries={"id": [1], "text": ["a"]},
        qrels={"query_id": [1], "corpus_id": [8], "score": ["1"]},
    )
    assert found["corpus"].rows() == [("7", "a"), ("8", "b")]
    assert found["qrels"].rows() == [("1", "8", 1.0)]


def test_beir_keeps_the_noughts_of_an_id_in_tsv(tmp_path: Path) -> None:
    found = retrieval(
        tmp_path,
        ".tsv",
        corpus={"_id": ["007"], "text": ["a"]},
        queries={"_id": ["01"], "text": ["b"]},
        qrels={"query-id": ["01"], "corpus-id": ["007"], "score": ["1"]},
    )
    assert found["qrels"].rows() == [("01", "007", 1.0)]


def test_beir_reads_the_empty_metadata_that_its_own_files_have(tmp_path: Path) -> None:
    lines = [
        json.dumps({"_id": f"d{place}", "title": "", "text": "x", "metadata": {}}) for place in (1, 2, 3)
    ]
    retrieval(tmp_path)
    (tmp_path / "corpus.jsonl").write_text("\n".join(lines), encoding="utf-8")
    found, _ = beir.retrieval(tmp_path, files(qrels="qrels.jsonl"), "retrieval")
    assert found["corpus"]["text"].to_list() == ["x", "x", "x"]


def without(table: Table, column: str) -> Table:
    return {name: cells for name, cells in table.items() if name != column}


@pytest.mark.parametrize("suffix", [".parquet", ".jsonl", ".tsv"])
@pytest.mark.parametrize(
    ("name", "table", "said"),
    [
        ("corpus", without(CORPUS, "_id"), "wanted '_id' or 'id' too. Correct retrieval.corpus"),
        ("corpus", without(CORPUS, "text"), "has the columns _id, title; wanted 'text' too"),
        ("queries", without(QUERIES, "text"), "queries.* has the columns _id; wanted 'text' too"),
        ("qrels", without(QRELS, "score"), "wanted 'score' too. Correct retrieval.qrels"),
        ("qrels", without(QRELS, "query-id"), "wanted 'query-id' or 'query_id' too"),
        ("corpus", {**CORPUS, "_id": ["d1", "d2", "d2"]}, "has the id 'd2' more than once"),
        (
            "qrels",
            {**QRELS, "query-id": ["q9", "q9", "q8"]},
            "names no query that queries.* has, first 'q9'",
        ),
        (
            "qrels",
            {**QRELS, "corpus-id": ["d8", "d8", "d9"]},
            "names no document that corpus.* has, first 'd8'",
        ),
        ("qrels", {**QRELS, "score": [0, 0, -1]}, "has no score above 0; wanted at least one document"),
        (
            "qrels",
            {**QRELS, "score": ["1", "viel", "0"]},
            "'score' of qrels.* is 'viel' in row 1; wanted a number",
        ),
        (
            "corpus",
            {name: [] for name in CORPUS},
            r"corpus.* of tester/set at 000000000000 (has no rows|cannot be)",
        ),
    ],
)
def test_beir_refuses_a_retrieval_set_that_cannot_be_scored(
    tmp_path: Path, suffix: str, name: str, table: Table, said: str
) -> None:
    with pytest.raises(InvalidData, match=said):
        retrieval(tmp_path, suffix, **{name: table})


def test_beir_refuses_a_text_that_is_null(tmp_path: Path) -> None:
    with pytest.raises(InvalidData, match=r"'text' of corpus.parquet .* is null in 1 rows, first in row 1"):
        retrieval(tmp_path, ".parquet", corpus={**CORPUS, "text": ["a", None, "b"]})


@pytest.mark.parametrize("content", [b"", b"no parquet", b"\xff\xfe"])
@pytest.mark.parametrize("suffix", [".parquet", ".jsonl", ".tsv"])
def test_beir_refuses_a_file_that_is_none(tmp_path: Path, suffix: str, content: bytes) -> None:
    retrieval(tmp_path, suffix)
    (tmp_path / f"corpus{suffix}").write_bytes(content)
    with pytest.raises(
        InvalidData, match=r"corpus.* of tester/set at 000000000000 .*Correct retrieval.corpus"
    ):
        beir.retrieval(
            tmp_path, files(**{one: f"{one}{suffix}" for one in ("corpus", "queries", "qrels")}), "retrieval"
        )


@pytest.mark.parametrize("suffix", [".parquet", ".jsonl", ".tsv"])
def test_beir_reads_pairs_with_scores(tmp_path: Path, suffix: str) -> None:
    found = pairs(tmp_path, PAIRS, suffix)
    assert found.columns == ["first", "second", "score"]
    assert found.rows() == [("x", "x", 5.0), ("y", "t", 0.5), ("z", "u", 1.0)]
    assert found.schema["score"] == pl.Float64


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (without(PAIRS, "score"), r"has the columns a, b; wanted 'score' too. Correct probes.sts"),
        (without(PAIRS, "b"), r"has the columns a, score; wanted 'b' too"),
        ({**PAIRS, "score": [1, 1, 1]}, r"scores every pair 1.0; wanted scores that differ"),
        (
            {**PAIRS, "score": [1.0, None, 2.0]},
            r"'score' of pairs.parquet .* is null in 1 rows, first in row 1",
        ),
        ({**PAIRS, "score": [1.0, float("nan"), 2.0]}, r"is nan in row 1; wanted a number"),
        ({**PAIRS, "score": [[1], [2], [3]]}, r"'score' of pairs.parquet .* wanted numbers"),
        ({**PAIRS, "a": [["x"], ["y"], ["z"]]}, r"'a' of .* is a column of List\(String\); wanted texts"),
        ({name: [] for name in PAIRS}, r"pairs.parquet of tester/sts at 000000000000 has no rows"),
    ],
)
def test_beir_refuses_pairs_that_cannot_be_ranked(tmp_path: Path, table: Table, said: str) -> None:
    with pytest.raises(InvalidData, match=said):
        pairs(tmp_path, table)


def test_beir_says_nothing_of_columns_that_it_does_not_need(tmp_path: Path) -> None:
    found = retrieval(tmp_path, ".parquet", corpus={**CORPUS, "more": [[1], [2], [None]]})
    assert found["corpus"].columns == ["id", "text"]


def test_beir_reads_packed_files_with_a_byte_order_mark(tmp_path: Path) -> None:
    for name, table in {"corpus": CORPUS, "queries": QUERIES, "qrels": QRELS}.items():
        write(tmp_path / f"{name}.jsonl", table)
        content = (tmp_path / f"{name}.jsonl").read_bytes()
        (tmp_path / f"{name}.jsonl.gz").write_bytes(gzip.compress(b"\xef\xbb\xbf" + content))
    packed = files(corpus="corpus.jsonl.gz", queries="queries.jsonl.gz", qrels="qrels.jsonl.gz")
    found, unknown = beir.retrieval(tmp_path, packed, "retrieval")
    assert (found["corpus"].height, unknown) == (3, 0)


def test_beir_refuses_a_packed_file_that_is_cut_off(tmp_path: Path) -> None:
    write(tmp_path / "corpus.jsonl", CORPUS)
    packed = gzip.compress((tmp_path / "corpus.jsonl").read_bytes())
    (tmp_path / "corpus.jsonl.gz").write_bytes(packed[:-9])
    with pytest.raises(InvalidData, match=r"corpus.jsonl.gz of .* cannot be read"):
        beir.retrieval(tmp_path, files(corpus="corpus.jsonl.gz"), "retrieval")


def test_beir_reads_qrels_of_another_repository(tmp_path: Path) -> None:
    for name, table in {"corpus": CORPUS, "queries": QUERIES}.items():
        write(tmp_path / "texts" / f"{name}.jsonl", table)
    write(tmp_path / "qrels" / "test.jsonl", QRELS)
    other = {"repo": "tester/qrels", "revision": "1" * 40}
    asked = RetrievalFiles.model_validate({**files(qrels="test.jsonl").model_dump(), "qrels_from": other})
    found, _ = beir.retrieval(tmp_path / "texts", asked, "retrieval", tmp_path / "qrels")
    assert found["qrels"].height == 3


def test_beir_counts_qrels_of_ids_that_are_not_there_and_leaves_them_out(tmp_path: Path) -> None:
    for name, table in {"corpus": CORPUS, "queries": QUERIES}.items():
        write(tmp_path / f"{name}.jsonl", table)
    qrels = {key: [*values, *values[:1]] for key, values in QRELS.items()}
    qrels["query-id"][-1] = "nobody"
    write(tmp_path / "qrels.jsonl", qrels)
    found, unknown = beir.retrieval(tmp_path, files(qrels="qrels.jsonl"), "retrieval")
    assert (found["qrels"].height, unknown) == (3, 1)
