"""The section `release`."""

from pipeline.params.section import RepoId, Section


class ReleaseParams(Section):
    """Where a candidate that passed goes."""

    repo: RepoId
    private: bool
