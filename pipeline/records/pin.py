"""`records/pin.json`: what was fetched from the Hub, file by file."""

from typing import Literal

from pydantic import Field

from pipeline.records.record import Part, Record

RepoKind = Literal["model", "dataset"]


class PinnedFile(Part):
    """One file as the Hub lists it and as it was found here: `sha256:…` for LFS files, `git:…` else."""

    size: int = Field(ge=0)
    digest: str


class RepoRef(Part):
    """One repository of the Hub at one commit."""

    repo: str
    revision: str


class PinnedRepo(RepoRef):
    """A repository as it was fetched; `unused` are files that no step reads."""

    private: bool
    license: str | None
    files: dict[str, PinnedFile]
    unused: tuple[str, ...] = ()

    def ref(self) -> RepoRef:
        """Return the repository and the commit alone."""
        return RepoRef(repo=self.repo, revision=self.revision)


class PinnedSplit(Part):
    """Where a split came from: the data set's own, or cut out of its train split by group of query.

    `files` are those of the repository that hold the source's rows, in their order; older records name none.
    `moved_in` and `moved_out` count rows that the data set has in another split than the one in which the
    ledger holds their group.
    """

    source: str
    cut: bool
    files: tuple[str, ...] = ()
    rows: int = Field(ge=0)
    moved_in: int = Field(ge=0)
    moved_out: int = Field(ge=0)


class BaseTrial(Part):
    """What the base did on one text, and what it is given or relieved of to be what is judged.

    Attributes:
        tokens: Of the text that it encoded.
        prompts: Its own, `query` and `document`; it is measured with them where the recipe has none.
        normalize_added: Its vectors had other lengths than 1; a module `Normalize` makes them so.
        similarity: The function that it was saved with, where that is not the cosine, which is judged.
        default_prompt: The prompt that it put before every text, which the model will not.
        truncate_dim: The width that it was cut to, which the model will not be.
        pad_token: The token that fills up shorter texts, where it named none.
        auto_map_dropped: Names of code of its own, which none of its weights need, are taken out.
        missing_weights: What its files lack and no vector depends on.
        unused_weights: Number of weights in its files that its encoder has no use for.
    """

    tokens: int
    prompts: dict[str, str]
    normalize_added: bool = False
    similarity: str | None = None
    default_prompt: str | None = None
    truncate_dim: int | None = None
    pad_token: str | None = None
    auto_map_dropped: bool = False
    missing_weights: tuple[str, ...] = ()
    unused_weights: int = 0


class MtebTask(Part):
    """A task of mteb that a probe is.

    Attributes:
        name: The task.
        kind: Its type, as `STS`.
        metric: Its main score.
        subsets: Those that are asked for.
        splits: Those that are asked for.
        whole: These are all that mteb scores the task on.
        own: The data set and commit that mteb names for the task; what is scored may be another one.
        version: Of mteb.
    """

    name: str
    kind: str
    metric: str
    subsets: tuple[str, ...]
    splits: tuple[str, ...]
    whole: bool
    own: RepoRef
    version: str


class Pin(Record):
    """What was pinned.

    Attributes:
        subset: Of the data set, as its README names it; None where it declares none.
        unused_columns: Of the data set, in any of the splits.
        qrels: Where retrieval sets have their qrels in another repository, by `retrieval` or `probes.NAME`.
        unknown_qrels: How many qrels name an id that is not there and were left out, by the same keys.
        mteb: Of the probes that are tasks of mteb, by name.
        languages: Of the data set. Records of before they were kept were made with Turkish alone.
        live_trained_on: The data set that says which rows the live model was trained on, where the model
            itself does not.
        base_trial: How the base was tried; None in older records.
    """

    endpoint: str
    dataset: PinnedRepo
    subset: str | None = None
    unused_columns: tuple[str, ...] = ()
    languages: tuple[str, ...] = ("tr",)
    base: PinnedRepo
    base_trial: BaseTrial | None = None
    live: PinnedRepo | None
    live_trained_on: PinnedRepo | None = None
    anchor: PinnedRepo | None
    retrieval: PinnedRepo | None
    probes: dict[str, PinnedRepo]
    mteb: dict[str, MtebTask] = Field(default_factory=dict, exclude_if=lambda value: not value)
    qrels: dict[str, PinnedRepo] = Field(default_factory=dict)
    unknown_qrels: dict[str, int] = Field(default_factory=dict)
    converted_pickles: tuple[str, ...]
    splits: dict[str, PinnedSplit]
