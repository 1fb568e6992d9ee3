"""The Hub, seen from the pipeline: the only room that imports huggingface_hub (card classes aside).

Every call has a timeout. What changes nothing is asked again after a while; what does change something is
asked once, because an answer that was lost can stand for a commit that landed: look, then decide.
"""

from pipeline.hub import log_filter as log_filter
from pipeline.hub.accounts import Account
from pipeline.hub.pull_requests import Hub, PullRequest
from pipeline.hub.reading import ListedFile, RepoInfo, digest_as_listed
from pipeline.hub.remote_file import RemoteFile
from pipeline.records.pin import RepoKind as Kind

__all__ = [
    "Account",
    "Hub",
    "Kind",
    "ListedFile",
    "PullRequest",
    "RemoteFile",
    "RepoInfo",
    "digest_as_listed",
]
