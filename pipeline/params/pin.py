"""Sections that say what is pinned: from `dataset` to `probes`, `pin`, and when `refresh` moves it."""

import re
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from pipeline.params.section import Commit, RepoId, Section, Share

# What `pin` itself writes: texts and what stands beside them. `rows` is the slice of new and old rows.
_TAKEN = re.compile(r"row|rows|query|positive|negative(_\d+)?|group|first_seen")
_TABLES = (".parquet", ".jsonl", ".tsv", ".jsonl.gz", ".tsv.gz")


def _is_table(value: str) -> str:
    if not PurePosixPath(value).name.endswith(_TABLES):
        raise ValueError(
            f"{value!r} is no file that can be read; wanted one that ends in {', '.join(_TABLES)}"
        )
    return value


Table = Annotated[str, AfterValidator(_is_table)]


def _are_names(value: tuple[str, ...]) -> tuple[str, ...]:
    if not value or len(set(value)) != len(value):
        raise ValueError(f"{list(value)} are no names, each once; wanted one at least, or null for all")
    return value


Names = Annotated[tuple[str, ...], AfterValidator(_are_names)]


class SplitNames(Section):
    """Our split names and the data set's; null means that `pin` cuts the split out of train."""

    train: str
    dev: str | None
    test: str | None

    @model_validator(mode="after")
    def _differ(self) -> "SplitNames":
        given = [name for name in (self.train, self.dev, self.test) if name is not None]
        if len(set(given)) != len(given):
            raise ValueError(f"{', '.join(given)} name a split twice; wanted another one for each, or null")
        return self


class ColumnNames(Section):
    """The data set's names for its columns of texts.

    `negative` is one column, of texts or of lists of texts; several columns; or null for pairs, which have no
    negatives of their own.
    """

    query: str
    positive: str
    negative: str | tuple[str, ...] | None

    @property
    def negatives(self) -> tuple[str, ...]:
        """The data set's columns of negatives."""
        if self.negative is None:
            return ()
        return (self.negative,) if isinstance(self.negative, str) else self.negative

    @model_validator(mode="after")
    def _differ(self) -> "ColumnNames":
        given = [self.query, self.positive, *self.negatives]
        if len(set(given)) != len(given):
            raise ValueError(f"{', '.join(given)} name a column twice; wanted another one for each")
        if self.negative == ():
            raise ValueError("negative is an empty list; wanted columns, or null for pairs without negatives")
        return self


class DatasetParams(Section):
    """The data set: repository, commit, names of its splits and columns, languages."""

    repo: RepoId
    revision: Commit
    branch: str
    subset: str | None
    splits: SplitNames
    columns: ColumnNames
    slices: tuple[str, ...]
    languages: Annotated[tuple[str, ...], Field(min_length=1)]

    @field_validator("languages")
    @classmethod
    def _are_codes(cls, languages: tuple[str, ...]) -> tuple[str, ...]:
        odd = [one for one in languages if not re.fullmatch(r"[a-z]{2,3}", one)]
        if odd or len(set(languages)) != len(languages):
            raise ValueError(
                f"{list(languages)} are not codes of languages, each once; wanted two or three small "
                "letters, like en, or und for none in particular"
            )
        return languages

    @field_validator("slices")
    @classmethod
    def _plain_and_each_once(cls, slices: tuple[str, ...]) -> tuple[str, ...]:
        odd = [name for name in slices if not re.fullmatch(r"[A-Za-z0-9_]+", name)]
        if odd or len(set(slices)) != len(slices):
            raise ValueError(
                f"{list(slices)} are not columns of letters, digits and underscores, each once; "
                "rename them in the data set"
            )
        taken = [name for name in slices if _TAKEN.fullmatch(name)]
        if taken:
            raise ValueError(
                f"{taken} are names of columns that katman makes itself ({_TAKEN.pattern}); "
                "rename them in the data set"
            )
        return slices


class BaseParams(Section):
    """The model that training starts from."""

    repo: RepoId
    revision: Commit
    allow_pickle: tuple[str, ...]


class TrainedOn(Section):
    """The data set that a model was trained on."""

    repo: RepoId
    revision: Commit


class LiveParams(Section):
    """What the user's service runs: the commit at a tag, or null before the first release.

    `trained_on` is for a model that does not say which rows it was trained on; null where it does, or where
    nobody knows. `refresh` moves it together with the commit.
    """

    repo: RepoId
    tag: str
    revision: Commit | None
    trained_on: TrainedOn | None


class AnchorParams(Section):
    """The best release so far, in `live.repo`; null before the first release. `refresh` moves it."""

    revision: Commit | None


class FilesOf(Section):
    """A data set repository whose files are read."""

    repo: RepoId
    revision: Commit


class RetrievalFiles(FilesOf):
    """A retrieval set in BEIR's layout: parquet, jsonl or tsv files of a data set repository.

    `qrels_from` may name another one, where the qrels lie.
    """

    corpus: Table
    queries: Table
    qrels: Table
    qrels_from: FilesOf | None = Field(default=None, exclude_if=lambda value: value is None)


class RetrievalProbe(RetrievalFiles):
    """A retrieval set outside of the domain: nDCG@10."""

    kind: Literal["retrieval"]


class PairsProbe(Section):
    """Pairs of texts with scores, outside of the domain: Spearman's rank correlation."""

    kind: Literal["pairs"]
    repo: RepoId
    revision: Commit
    file: Table
    first: str
    second: str
    score: str

    @model_validator(mode="after")
    def _differ(self) -> "PairsProbe":
        given = [self.first, self.second, self.score]
        if len(set(given)) != len(given):
            raise ValueError(f"{', '.join(given)} name a column twice; wanted three columns")
        return self


class MtebProbe(Section):
    """A task of mteb, whose main score counts.

    Attributes:
        task: Its name in mteb.
        repo: The data set that it is scored on; None takes the one that the task names.
        revision: Commit of that data set.
        subsets: Of the task, as `tr`; None takes all of them.
        splits: Of the data set; None takes those that the task names.
    """

    kind: Literal["mteb"]
    task: str
    repo: RepoId | None = Field(default=None, exclude_if=lambda value: value is None)
    revision: Commit
    subsets: Names | None = Field(default=None, exclude_if=lambda value: value is None)
    splits: Names | None = Field(default=None, exclude_if=lambda value: value is None)


Probe = Annotated[RetrievalProbe | PairsProbe | MtebProbe, Field(discriminator="kind")]


class CutParams(Section):
    """How splits are cut that the data set does not have: by a salted hash of the query's group."""

    dev_share: Share
    test_share: Share
    salt: str

    @model_validator(mode="after")
    def _leaves_something_to_train_on(self) -> "CutParams":
        if self.dev_share + self.test_share >= 1:
            raise ValueError(
                f"dev_share {self.dev_share} and test_share {self.test_share} leave no train split; "
                "wanted a sum below 1"
            )
        return self


class LimitParams(Section):
    """What strangers' files may ask of this machine, before `pin` refuses them.

    Attributes:
        file_bytes: Of one file of a data set, as the Hub lists it.
        rows: Of one table.
        cells: Of one table: rows times columns, inner ones counted.
        unpacked_bytes: Of one file once it is unpacked.
        depth: Of what stands inside each other in JSON, or in the type of a column.
        seconds: Of one process that reads a data set or tries a model.
        tokenizer_seconds: Of a tokenizer on texts made to hold up a pattern.
        memory_bytes: Of such a process; None is what is free when it starts.
    """

    file_bytes: int = Field(ge=0)
    rows: int = Field(ge=0)
    cells: int = Field(ge=0)
    unpacked_bytes: int = Field(ge=0)
    depth: int = Field(ge=1)
    seconds: float = Field(gt=0)
    tokenizer_seconds: float = Field(gt=0)
    memory_bytes: int | None = Field(ge=0)


class PinParams(Section):
    """The step `pin`."""

    cut: CutParams
    max_workers: int = Field(ge=1)
    limits: LimitParams


class RefreshParams(Section):
    """When the data set that is pinned moves to its branch's head.

    Attributes:
        policy: `follow`; or `pin`: never, until somebody writes a commit.
        min_rows: Under `follow`, only as soon as so many rows are new, by their texts.
        min_days: And only so long after the last candidate was judged: each look at the test rows costs some.
    """

    policy: Literal["pin", "follow"]
    min_rows: Annotated[int, Field(ge=0)]
    min_days: Annotated[float, Field(ge=0)]
