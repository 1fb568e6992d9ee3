"""What is fetched of a repository at its commit: which files, and what the record says of them."""

import json
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from pipeline.dataset.training_fingerprint import TRAINED_ROWS
from pipeline.embedding.weight_formats import CAN_RUN_CODE, SAFETENSORS, suffix
from pipeline.errors import HubNotFound, InvalidData, first_line
from pipeline.hub import Hub, Kind, ListedFile, RepoInfo
from pipeline.params.model import ModelParams
from pipeline.params.pin import BaseParams, PinParams
from pipeline.records import PinnedFile, PinnedRepo
from pipeline.stages.pin import file_limits
from pipeline.stages.pin.model.files import model_files, small_json
from pipeline.stages.pin.model.kind import refuse_others
from pipeline.stages.pin.model.limits import refuse_impossible, refuse_recipe
from pipeline.stages.pin.model.modules import modules


@dataclass(frozen=True)
class Download:
    """One repository at one commit: the folder that holds its files (the client's cache), and its record."""

    folder: Path
    pinned: PinnedRepo

    def copy(self, target: Path) -> None:
        """Copy the files out of the client's cache: a link would let a step write into it."""
        for path in self.pinned.files:
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self.folder / path, target / path)


def data(hub: Hub, repo: str, revision: str, pin: PinParams) -> Download:
    """Fetch a data set whole.

    Raises:
        InvalidData: The data set holds a script, or a file that is too large; nothing is fetched then.
    """
    info, owner = _pinned(hub, "dataset", repo, revision), f"data set {repo} at {revision[:12]}"
    listed = hub.files(repo, "dataset", revision)
    refuse_scripts(listed, owner)
    file_limits.refuse_large({path: file.size for path, file in listed.items()}, owner, pin.limits)
    return _fetch(hub, info, _is_data, pin.max_workers)


def refuse_scripts(listed: Iterable[str], owner: str) -> None:
    """Refuse a data set that holds code.

    Raises:
        InvalidData: It does.
    """
    scripts = sorted(path for path in listed if path.endswith(".py"))
    if scripts:
        raise InvalidData(
            f"{owner} holds {', '.join(scripts[:3])}, which loading it can run; "
            "wanted data files only. Pin a commit without it: a data set can be converted to Parquet"
        )


def tables(hub: Hub, key: str, repo: str, revision: str, files: Iterable[str], pin: PinParams) -> Download:
    """Fetch single files of a data set repository.

    Args:
        hub: The Hub.
        key: The part of params.yaml that names the files, for the message.
        repo: The repository.
        revision: Commit of the repository.
        files: Paths inside it.
        pin: Downloads at a time, and how large a file may be.

    Raises:
        InvalidData: The repository has no such file at this commit, or it is too large.
    """
    listed = hub.files(repo, "dataset", revision)
    missing = [path for path in files if path not in listed]
    if missing:
        there = sorted(path for path in listed if _is_data(path))
        more = f" and {len(there) - 10} more" if len(there) > 10 else ""
        raise InvalidData(
            f"data set {repo} at {revision[:12]} has no {' and no '.join(missing)}, which {key} names; "
            f"it has {', '.join(there[:10]) or 'no files'}{more}. Correct {key}"
        )
    owner = f"data set {repo} at {revision[:12]}"
    file_limits.refuse_large({path: listed[path].size for path in files}, owner, pin.limits)
    return _fetch(hub, _pinned(hub, "dataset", repo, revision), set(files).__contains__, pin.max_workers)


def base(hub: Hub, repo: str, revision: str, allow_pickle: tuple[str, ...], *, max_workers: int) -> Download:
    """Fetch what training reads of a model.

    Raises:
        InvalidData: It is nothing that training can start from, or a module has no weights that may be read.
    """
    info = _pinned(hub, "model", repo, revision)
    listed, _, wanted = _base_files(hub, info, allow_pickle)
    found = _fetch(hub, info, wanted.__contains__, max_workers)
    unused = tuple(sorted(set(listed) - wanted))
    return replace(found, pinned=found.pinned.model_copy(update={"unused": unused}))


def look(hub: Hub, asked: BaseParams, recipe: ModelParams) -> str:
    """Hold a base to what its list of files and its small JSON files tell, and fetch nothing else.

    Returns:
        Its commit.

    Raises:
        InvalidData: It is nothing that training can start from, or a module has no weights that may be read.
        InvalidParams: The recipe asks for more than it has.
    """
    info = _pinned(hub, "model", asked.repo, asked.revision)
    _, configs, _ = _base_files(hub, info, asked.allow_pickle)
    refuse_recipe(configs, recipe, asked.repo)
    return info.commit


def _base_files(
    hub: Hub, base: RepoInfo, allow_pickle: tuple[str, ...]
) -> tuple[dict[str, ListedFile], dict[str, Any], set[str]]:
    """List the files of a base, read the small JSON files, and choose what training reads."""
    listed = hub.files(base.repo, "model", base.commit)
    configs = _configs(hub, base.repo, base.commit, listed)
    refuse_others(configs, frozenset(listed), base.repo, base.tags)
    wanted = model_files(listed, base.repo, allow_pickle, modules(configs, base.repo))
    refuse_impossible(configs, _weights_bytes(listed, wanted), base.repo)
    return listed, configs, wanted


def _weights_bytes(listed: Mapping[str, ListedFile], wanted: Iterable[str]) -> int:
    return sum(listed[path].size for path in wanted if suffix(path) in CAN_RUN_CODE | {SAFETENSORS})


def _configs(hub: Hub, repo: str, revision: str, listed: Mapping[str, ListedFile]) -> dict[str, Any]:
    """Read the small JSON files of a model.

    Raises:
        InvalidData: One of them is none.
    """
    wanted = small_json(listed)
    if not wanted:
        return {}
    folder, found = hub.download(repo, "model", revision, wanted.__contains__)
    configs = {}
    for path in sorted(found):
        try:
            configs[path] = json.loads((folder / path).read_bytes())
        except (ValueError, RecursionError) as error:
            raise InvalidData(
                f"{path} of model {repo} is no JSON ({first_line(error)}); wanted a configuration that can "
                "be read. Pin another commit"
            ) from None
    return configs


def release(hub: Hub, key: str, repo: str, revision: str | None, *, max_workers: int) -> Download | None:
    """Fetch a release that candidates are compared with, `live` or `anchor`, with the rows it was trained on.

    Raises:
        HubNotFound: The model was released once and is gone from the Hub.
    """
    if revision is None:
        return None
    try:
        listed = hub.files(repo, "model", revision)
        configs = _configs(hub, repo, revision, listed)
        wanted = model_files(listed, repo, None, modules(configs, repo)) | ({TRAINED_ROWS} & set(listed))
        refuse_impossible(configs, _weights_bytes(listed, wanted), repo)
        return _fetch(hub, _pinned(hub, "model", repo, revision), wanted.__contains__, max_workers)
    except HubNotFound as error:
        if key == "live":
            instead = "take in what your service runs with `katman adopt REPO@REV`"
        else:
            instead = (
                "set anchor.revision to null in params.yaml, knowing that the candidate is then no longer "
                "held to the best release so far"
            )
        raise HubNotFound(
            f"the {key} model is gone: {error}\nRun `katman refresh`, which asks the Hub for the one that is "
            f"there now. If there is none, {instead}"
        ) from None


def _pinned(hub: Hub, kind: Kind, repo: str, revision: str) -> RepoInfo:
    info = hub.info(repo, kind, revision)
    if info.commit != revision:
        raise InvalidData(
            f"{kind} {repo} resolves {revision} to {info.commit}; wanted the commit itself. "
            "Write that one into params.yaml if you mean it"
        )
    return info


def _fetch(hub: Hub, info: RepoInfo, wanted: Callable[[str], bool], max_workers: int) -> Download:
    folder, listed = hub.download(info.repo, info.kind, info.commit, wanted, max_workers=max_workers)
    files = {path: PinnedFile(size=file.size, digest=file.digest) for path, file in sorted(listed.items())}
    return Download(
        folder,
        PinnedRepo(
            repo=info.repo, revision=info.commit, private=info.private, license=info.license, files=files
        ),
    )


def _is_data(path: str) -> bool:
    return not path.endswith(".py") and PurePosixPath(path).name != ".gitattributes"
