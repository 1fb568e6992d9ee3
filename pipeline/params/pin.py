"""Sections that say what is pinned: `dataset`, `base`, `live`, and `pin` itself."""

from pydantic import Field, model_validator

from pipeline.params.section import Commit, RepoId, Section, Share


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
    """The data set's names for the three columns of a triplet."""

    query: str
    positive: str
    negative: str

    @model_validator(mode="after")
    def _differ(self) -> "ColumnNames":
        given = [self.query, self.positive, self.negative]
        if len(set(given)) != len(given):
            raise ValueError(f"{', '.join(given)} name a column twice; wanted three columns")
        return self


class DatasetParams(Section):
    """The data set: repository, commit, and how its splits and columns are called."""

    repo: RepoId
    revision: Commit
    branch: str
    splits: SplitNames
    columns: ColumnNames


class BaseParams(Section):
    """The model that training starts from."""

    repo: RepoId
    revision: Commit
    allow_pickle: tuple[str, ...]


class LiveParams(Section):
    """What the user's service runs: the commit at a tag, or null before the first release."""

    repo: RepoId
    tag: str
    revision: Commit | None


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


class PinParams(Section):
    """The step `pin`."""

    cut: CutParams
    max_workers: int = Field(ge=1)
