"""Every reason for which a row leaves, and what stays."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from tokenizers.processors import BertProcessing

from pipeline.dataset import training_fingerprint
from pipeline.dataset.languages.tr import fold
from pipeline.errors import InvalidData
from pipeline.params import load
from pipeline.params.audit import AuditParams
from pipeline.records import Audit
from pipeline.stages.audit import step
from pipeline.workspace import paths
from pipeline.workspace.paths import RECORDS
from tests.support.workspaces import COLUMNS

REASONS = (
    "not_text",
    "empty",
    "too_long",
    "same_query_positive",
    "same_query_negative",
    "same_positive_negative",
    "duplicate",
    "contradiction",
    "same_text",
    "same_query",
    "near_duplicate",
    "personal_data",
)
# What every split brings by itself, and nothing in it is a finding.
WITHIN = REASONS[:8]
Cell = str | None
Row = tuple[Cell, Cell, Cell]
Audited = tuple[dict[str, pl.DataFrame], pl.DataFrame, Audit]


def params(*drop: str, refuse: str = "", max_characters: int = 100) -> AuditParams:
    policies = {kind: "drop" if kind in drop else "report" for kind in REASONS} | {"not_text": "drop"}
    values: dict[str, Any] = {
        "max_characters": max_characters,
        "policies": policies | ({refuse: "refuse"} if refuse else {}),
        "near_duplicates": training_fingerprint.RELEASED,
        "shortcut": {"warn_above": 0.7, "max_train_rows": 1000},
    }
    return AuditParams(**values)


def frame(*rows: Row) -> pl.DataFrame:
    columns = {name: [row[place] for row in rows] for place, name in enumerate(COLUMNS)}
    schema = dict.fromkeys(COLUMNS, pl.String)
    groups = pl.Series("group", [fold(row[0] or "") for row in rows])
    seen = pl.lit("b" * 40).alias("first_seen")
    return pl.DataFrame(columns, schema=schema).with_row_index("row").with_columns(groups, seen)


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Audited]:
    """Audit splits that stand in a folder; gives the clean splits, the rejected rows and the record."""

    def audited(raw: dict[str, pl.DataFrame], wanted: AuditParams, **more: Any) -> Audited:
        folder = tmp_path / paths.RAW
        folder.mkdir(parents=True, exist_ok=True)
        for name, rows in raw.items():
            rows.write_parquet(folder / f"{name}.parquet")
        tiny_tokenizer(tmp_path / paths.BASE)
        record = step.audit(
            tmp_path,
            wanted,
            prompts={"query": "", "document": ""},
            max_seq_length=8,
            revision="b" * 40,
            **{"languages": ("tr",), **more},
        )
        clean = {name: pl.read_parquet(paths.clean(tmp_path, name)) for name in raw}
        return clean, pl.read_parquet(tmp_path / paths.REJECTED), record

    return audited


def tiny_tokenizer(folder: Path) -> None:
    """Write a tokenizer of whole words, of which it knows none, with two special tokens around a text."""
    folder.mkdir(exist_ok=True)
    words = Tokenizer(WordLevel({"[UNK]": 0, "[CLS]": 1, "[SEP]": 2}, unk_token="[UNK]"))
    words.pre_tokenizer = WhitespaceSplit()
    words.post_processor = BertProcessing(("[SEP]", 2), ("[CLS]", 1))
    words.save(str(folder / "tokenizer.json"))


def splits(*train: Row, dev: tuple[Row, ...] = (), test: tuple[Row, ...] = ()) -> dict[str, pl.DataFrame]:
    good = ("eğitim", "evet eğitim", "hayır eğitim")
    return {
        "train": frame(good, *train),
        "dev": frame(("doğrulama", "evet doğrulama", "hayır doğrulama"), *dev),
        "test": frame(("deneme", "evet deneme", "hayır deneme"), *test),
    }


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (("", "p", "n"), "empty"),
        (("q", " \t", "n"), "empty"),
        (("q", "p", "\u00a0\u2003"), "empty"),
        (("\u200b\u2060", "p", "n"), "empty"),
        (("q", "p", "\ufeff\u00ad \u3164"), "empty"),
        (("q", "p" * 101, "n"), "too_long"),
        (("KAMPANYASI ", "kampanyası", "n"), "same_query_positive"),
        (("iptal", "p", "İPTAL"), "same_query_negative"),
        (("q", "çok  iyi", "Çok iyi"), "same_positive_negative"),
        (("Eğitim", "evet  eğitim", "HAYIR EĞİTİM"), "duplicate"),
        (("DENEME", "p", "n"), "same_query"),
        (("doğrulama", "p", "n"), "same_query"),
    ],
)
def test_audit_rejects_a_row_with_its_reason(run: Callable[..., Audited], row: Row, reason: str) -> None:
    clean, rejected, record = run(splits(row), params(*WITHIN, "same_query"))
    assert clean["train"].height == 1
    assert rejected.select("split", "reason", "row", *COLUMNS).rows() == [("train", reason, 1, *row)]
    assert record.splits["train"].dropped == {reason: 1}
    assert record.splits["train"].found[reason] == 1


def test_audit_keeps_a_row_of_the_longest_length_that_is_allowed(run: Callable[..., Audited]) -> None:
    clean, _, _ = run(splits(("q", "p" * 100, "n")), params(*WITHIN, "same_query"))
    assert clean["train"].height == 2


def test_audit_rejects_both_rows_of_a_contradiction(run: Callable[..., Audited]) -> None:
    rows = (("iptal", "ücretsiz", "ücretli"), ("İPTAL", "bilinmiyor", "ÜCRETSİZ"))
    clean, rejected, record = run(splits(*rows), params(*WITHIN, "same_query"))
    assert clean["train"].height == 1
    assert rejected["reason"].to_list() == ["contradiction", "contradiction"]
    assert record.splits["train"].found["contradiction"] == 2


def test_audit_takes_a_row_without_a_difference_for_no_contradiction(run: Callable[..., Audited]) -> None:
    rows = (("iptal", "ücretsiz", "ücretsiz"), ("iptal", "ücretsiz", "ücretli"))
    clean, rejected, record = run(splits(*rows), params(*WITHIN, "same_query"))
    assert rejected["reason"].to_list() == ["same_positive_negative"]
    assert clean["train"].height == 2
    assert record.splits["train"].found["contradiction"] == 0


def test_audit_takes_rows_without_a_text_for_no_duplicates(run: Callable[..., Audited]) -> None:
    rows = (("iptal", None, "ücretli"), ("iptal", None, "ücretli"))
    _, _, record = run(splits(*rows), params(*WITHIN, "same_query"))
    found = record.splits["train"].found
    assert (found["not_text"], found["duplicate"], found["contradiction"]) == (2, 0, 0)


def test_audit_sees_no_contradiction_between_different_queries(run: Callable[..., Audited]) -> None:
    clean, _, _ = run(splits(("iptal", "a", "b"), ("tarife", "c", "a")), params(*WITHIN, "same_query"))
    assert clean["train"].height == 3


def test_audit_leak_leaves_the_split_that_is_trained_on(run: Callable[..., Audited]) -> None:
    shared = ("ortak", "p", "n")
    clean, rejected, _ = run(splits(shared, dev=(shared,), test=(shared,)), params(*WITHIN, "same_query"))
    assert [clean[name].height for name in ("train", "dev", "test")] == [1, 1, 2]
    assert rejected.select("split", "reason").rows() == [("train", "same_query"), ("dev", "same_query")]


def test_audit_leaves_no_query_in_two_splits(run: Callable[..., Audited]) -> None:
    rows = tuple((f"soru {place % 7}", f"p {place}", f"n {place}") for place in range(30))
    clean, _, _ = run(splits(*rows[:10], dev=rows[10:20], test=rows[20:]), params(*WITHIN, "same_query"))
    groups = [set(clean[name]["group"]) for name in ("train", "dev", "test")]
    assert not (groups[0] & groups[1] | groups[0] & groups[2] | groups[1] & groups[2])


def test_audit_gives_the_first_reason_that_applies_and_counts_every_finding(
    run: Callable[..., Audited],
) -> None:
    _, rejected, record = run(splits(("", "", "")), params(*WITHIN, "same_query"))
    assert rejected["reason"].to_list() == ["empty"]
    found = record.splits["train"].found
    assert {reason for reason, count in found.items() if count} >= {
        "empty",
        "same_query_positive",
        "same_query_negative",
        "same_positive_negative",
    }


def test_audit_only_counts_what_drop_does_not_name(run: Callable[..., Audited]) -> None:
    clean, rejected, record = run(splits(("q", "q", "n"), ("", "p", "n")), params("empty"))
    assert clean["train"].height == 2
    assert rejected["reason"].to_list() == ["empty"]
    assert record.splits["train"].found["same_query_positive"] == 1
    assert "same_query_positive" not in record.splits["train"].dropped


def test_audit_takes_the_next_reason_where_the_first_is_not_dropped(run: Callable[..., Audited]) -> None:
    _, rejected, _ = run(splits(("q", "q", "q")), params("same_positive_negative"))
    assert rejected["reason"].to_list() == ["same_positive_negative"]


def test_audit_that_drops_nothing_keeps_every_row(run: Callable[..., Audited]) -> None:
    clean, rejected, record = run(splits(("", "", ""), ("q", "q", "q")), params())
    assert clean["train"].height == 3
    assert rejected.is_empty()
    assert record.rejected_share == 0
    assert record.splits["train"].found["empty"] == 1


# A row for each reason; the last is near the one that is held out.
BAD: tuple[Row, ...] = (
    ("", "p", "n"),
    ("q", "p" * 101, "n"),
    ("x", "x", "n"),
    ("y", "p", "y"),
    ("z", "p", "p"),
    ("eğitim", "evet eğitim", "hayır eğitim"),
    ("w", "a", "b"),
    ("w", "c", "a"),
    ("deneme", "p", "n"),
    (None, "p", "n"),
    ("ulaşın", "bilgi@example.org adresine yazın", "n"),
    ("faturanızı her ay buradan görebilirsiniz bugün", "p", "n"),
)
HELD = ("faturanızı her ay buradan görebilirsiniz", "evet fatura", "hayır fatura")


@pytest.mark.parametrize("reason", REASONS)
def test_audit_drops_for_each_reason_alone(run: Callable[..., Audited], reason: str) -> None:
    _, rejected, record = run(splits(*BAD, test=(HELD,)), params(reason))
    # A cell without text always leaves: nothing can be trained on it.
    assert set(rejected["reason"]) == {reason, "not_text"}
    dropped = record.splits["train"].dropped
    assert dropped[reason] == record.splits["train"].found[reason]
    # A row whose positive is its negative contradicts itself: it needs no partner.
    others = rejected.filter(pl.col("reason") == reason, pl.col("query") != "z")
    if reason in {"duplicate", "contradiction", "same_text", "same_query", "near_duplicate"}:
        assert others["partner_row"].is_not_null().all()
    else:
        assert others["partner_row"].is_null().all()


@pytest.mark.parametrize("kind", REASONS)
def test_audit_refuses_where_the_policy_says_so(run: Callable[..., Audited], kind: str) -> None:
    with pytest.raises(InvalidData, match=f"with the finding {kind}, first at") as caught:
        run(splits(*BAD, test=(HELD,)), params(refuse=kind))
    assert "example.org" not in str(caught.value)


def test_audit_traits_name_hard_new_and_near_rows_and_slices(
    run: Callable[..., Audited], tmp_path: Path
) -> None:
    known = ("faturanızı her ay buradan görebilirsiniz", "evet fatura", "hayır fatura")
    near = ("faturanızı her ay buradan görebilirsiniz bugün", "sonra", "önce")
    raw = splits(known, test=(near, ("kaç TL", "on lira", "yüz lira")))
    raw = {name: rows.with_columns(kind=pl.lit("soru")) for name, rows in raw.items()}
    raw["test"] = raw["test"].with_columns(
        first_seen=pl.when(pl.col("row") == 0).then(pl.lit("a" * 40)).otherwise(pl.col("first_seen"))
    )
    clean, _, record = run(raw, params(), slices=("kind",))
    assert clean["test"].columns == ["row", *COLUMNS, "group"]
    traits = pl.read_parquet(tmp_path / paths.TRAITS).filter(pl.col("split") == "test")
    assert traits["row"].to_list() == [0, 1, 2]
    assert traits["near_train"].to_list() == [False, True, False]
    assert traits["new"].to_list() == [False, True, True]
    assert traits["slice_kind"].to_list() == ["soru"] * 3
    assert traits["component"].n_unique() == 3
    assert record.near_train == {"dev": 0, "test": 1}


def test_audit_names_the_test_rows_whatever_their_order(run: Callable[..., Audited]) -> None:
    rows = (("kaç TL", "on lira", "yüz lira"), ("hangi hat", "mobil hat", "sabit hat"))
    first, turned = (run(splits(test=held), params())[2] for held in (rows, rows[::-1]))
    other = run(splits(test=rows[:1]), params())[2]
    assert first.test_digest == turned.test_digest != other.test_digest


def test_audit_counts_texts_that_the_model_cuts_and_keeps_them(run: Callable[..., Audited]) -> None:
    row = ("bir iki üç dört beş altı", "bir iki üç dört beş altı yedi", "n")
    clean, _, record = run(splits(row), params())
    assert clean["train"].height == 2
    assert record.splits["train"].tokens["query"].over_long == 0  # 6 words and 2 special tokens: just 8
    assert record.splits["train"].tokens["positive"].over_long == 1
    assert record.splits["train"].tokens["positive"].max == 9


def test_audit_refuses_a_split_without_a_clean_row(run: Callable[..., Audited]) -> None:
    raw = splits() | {"dev": frame(("", "p", "n"), ("q", "q", "n"))}
    with pytest.raises(InvalidData, match="of 2 rows of the split dev none is clean") as caught:
        run(raw, params(*WITHIN, "same_query"))
    assert "'empty': 1" in str(caught.value)
    assert "'same_query_positive': 1" in str(caught.value)


def test_audit_share_of_rejected_rows_is_exact(run: Callable[..., Audited]) -> None:
    rows = tuple((f"soru {place}", f"p {place}", f"n {place}") for place in range(96))
    _, _, record = run(splits(*rows, ("", "p", "n")), params(*WITHIN, "same_query"))
    assert record.rejected_share == 1 / 100


def asked_in_capitals(template: str) -> dict[str, pl.DataFrame]:
    """Make splits in which train asks sixty questions of the test split again, in another case."""
    held = [(template.format(number), f"answer {number}", f"another {number}") for number in range(60)]
    cased = [
        ((str.upper, str.lower, str.title)[number % 3](query), f"right {number}", f"wrong {number}")
        for number, (query, _, _) in enumerate(held)
    ]
    return splits(*cased, test=tuple(held))


@pytest.mark.parametrize(
    ("template", "language", "in_turkish"),
    [
        ("How do I move my ID {}", "en", 40),
        ("Gültig Ist Die Größe In Straße {}", "de", 20),
        ("Où puis-je l’Installer Immédiatement en {}", "fr", 20),
    ],
)
def test_audit_finds_every_leak_that_differs_in_case(
    run: Callable[..., Audited], template: str, language: str, in_turkish: int
) -> None:
    raw = asked_in_capitals(template)
    _, _, record = run(raw, params(*WITHIN, "same_query"), languages=("tr",))
    assert record.splits["train"].dropped.get("same_query", 0) == in_turkish
    for languages in ((language,), ("tr", language), ("und",), ("nl",)):
        _, rejected, record = run(raw, params(*WITHIN, "same_query"), languages=languages)
        assert record.splits["train"].dropped == {"same_query": 60}
        partners = rejected.select("row", "partner_split", "partner_row").rows()
        assert partners == [(row, "test", row) for row in range(1, 61)]
        assert record.splits["train"].found["near_duplicate"] == 0, "what is the same is not near"
    assert record.languages_without_module == ("nl",)


def test_audit_joins_what_any_language_joins_in_every_finding(run: Callable[..., Audited]) -> None:
    rows = (("MY ID", "my id", "n"), ("id", "a", "b"), ("ID", "c", "A"), ("ID", "x", "y"), ("ıd", "x", "Y"))
    _, _, one = run(splits(*rows), params(), languages=("tr",))
    _, _, both = run(splits(*rows), params(), languages=("tr", "en"))
    names = ("same_query_positive", "contradiction", "duplicate")
    assert [one.splits["train"].found[name] for name in names] == [0, 0, 1]
    assert [both.splits["train"].found[name] for name in names] == [1, 2, 1]


def test_audit_components_are_joined_by_any_language(run: Callable[..., Audited], tmp_path: Path) -> None:
    asked = (
        "WHICH INVOICE IS IN MY INBOX",
        "which invoice is in my inbox",
        "which invoice is in my inbox now",
    )
    held = tuple((query, f"p {place}", f"n {place}") for place, query in enumerate(asked))
    for languages in (("en",), ("tr", "en")):
        run(splits(test=held), params(), languages=languages)
        traits = pl.read_parquet(tmp_path / paths.TRAITS).filter(pl.col("split") == "test")
        assert traits["component"].to_list() == [0, 1, 1, 1]


def test_audit_record_counts_what_was_written(finished: Path) -> None:
    record = Audit.load(finished / RECORDS["audit"])
    rejected = pl.read_parquet(finished / "data" / "rejected.parquet")
    for name, split in record.splits.items():
        raw = pl.read_parquet(finished / "data" / "raw" / f"{name}.parquet")
        clean = pl.read_parquet(finished / "data" / "clean" / f"{name}.parquet")
        out = rejected.filter(pl.col("split") == name)
        assert (split.rows, split.kept) == (raw.height, clean.height)
        assert sum(split.dropped.values()) == out.height == raw.height - clean.height
        assert split.groups == clean["group"].n_unique()
        assert set(clean["row"]) | set(out["row"]) == set(raw["row"])
        assert split.tokens["query"].texts == clean.height
        assert split.tokens["query"].min <= split.tokens["query"].mean <= split.tokens["query"].max
    assert record.splits["train"].dropped == {
        "duplicate": 1,
        "empty": 1,
        "same_query": 1,
        "same_positive_negative": 1,
    }


def test_audit_twice_gives_the_same_bytes(line: Path) -> None:
    before = {path: path.read_bytes() for path in (line / "data" / "clean").iterdir()}
    (line / "data" / "clean" / "old.parquet").write_bytes(b"")
    record = (line / RECORDS["audit"]).read_bytes()
    step.run(line, load(line))
    assert {path: path.read_bytes() for path in (line / "data" / "clean").iterdir()} == before
    assert (line / RECORDS["audit"]).read_bytes() == record


def test_audit_that_fails_leaves_the_record_of_before(line: Path) -> None:
    record = (line / RECORDS["audit"]).read_bytes()
    path = line / "data" / "raw" / "dev.parquet"
    pl.read_parquet(path).with_columns(query=pl.lit("")).write_parquet(path)
    with pytest.raises(InvalidData):
        step.run(line, load(line))
    assert (line / RECORDS["audit"]).read_bytes() == record
    shutil.rmtree(line)
