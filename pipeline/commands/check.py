"""`check`: everything that can be known to be wrong before the first step starts."""

import shutil
import subprocess
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from pipeline.device import installation
from pipeline.errors import HubError, HubUnreachable, InvalidWorkspace, PipelineError
from pipeline.hub import Hub, surroundings
from pipeline.isolated import mteb_process
from pipeline.params import Params
from pipeline.params.pin import MtebProbe
from pipeline.preflight import hub_side, machine, prefect_api, tracker
from pipeline.publishing import signatures
from pipeline.records import MtebTask, RepoRef
from pipeline.stages.pin import languages, mteb_sets
from pipeline.stages.pin.downloads import look
from pipeline.workspace import backup, git, holdout, lineage, live, log, receipts, signed_approvals


def run(workspace: Path, params: Params) -> dict[str, str]:
    """Check stage list, git state, disk, token and Hub.

    Returns:
        One line per thing that was checked.

    Raises:
        PipelineError: One message that lists every fault found. A Hub that does not answer is one fault: it
            is asked once, and nothing else of it.
    """
    hub = Hub(params.hub)
    checks: dict[str, Callable[[], str]] = {
        "params": lambda: f"{params.base.repo} on {params.dataset.repo}, to {params.release.repo}",
        "stages": lambda: ", ".join(lineage.stage(workspace, name).name for name in lineage.NAMES),
        "ledger": lambda: _ledger(workspace, params),
        "git": lambda: _git(workspace),
        "disk": lambda: _disk(workspace, params.hardware.min_free_disk_bytes),
        "cache": machine.cache,
        "temporary files": machine.temporary,
        "versions": lambda: machine.versions(params.train),
        "device": lambda: _device(params),
        "client": _client,
    }
    asked: dict[str, Callable[[], str]] = {
        "token": lambda: hub_side.token(hub, params.release.repo),
        "dataset": lambda: hub.info(params.dataset.repo, "dataset", params.dataset.revision).commit,
        "base": lambda: look(hub, params.base, params.model),
        "live": lambda: _live(workspace, params),
        "release": lambda: hub_side.release(hub, workspace, params.release.repo),
    }
    of_both: dict[str, Callable[[], str]] = {
        "card": lambda: hub_side.card(hub, params),
        "room": lambda: machine.room(workspace, params, hub_side.sizes(hub, params)),
    }
    more: dict[str, Callable[[], str]] = {"backup": lambda: _backup(workspace, params)}
    if params.release.signature is not None:
        more["signature"] = signatures.installed
    if (api := prefect_api.address()) is not None:
        checks["api"] = lambda: prefect_api.closed(api)
    if params.tracking is not None:
        checks["tracking"] = partial(tracker.installed, params.tracking)
    if params.approve.signers:
        checks["approve"] = lambda: _signers(params)
    pinned = {"retrieval": params.retrieval} if params.retrieval else {}
    for key, one in {
        **pinned,
        **{f"probes.{name}": probe for name, probe in params.probes.items()},
    }.items():
        if not isinstance(one, MtebProbe):
            more[key] = partial(_commit, hub, one.repo, one.revision)
    tasks: dict[str, tuple[RepoRef, MtebTask]] = {}
    if mteb_sets.asked_for(params):
        checks["mteb"] = lambda: _mteb(params, tasks)
    found: dict[str, str] = {}
    faults: dict[str, PipelineError] = {}
    _make(checks, found, faults)
    if "client" in found:  # else each of these would only say so again
        _make({"hub": lambda: _hub(params)}, found, faults)
    if "hub" in found:
        _make(asked, found, faults)
        _make(of_both if {"dataset", "base"} <= found.keys() else {}, found, faults)
        more |= {f"probes.{name}": partial(_task, hub, *one) for name, one in tasks.items()}
        _make(more, found, faults)
    if faults:
        raise _all(faults)
    return found


def _make(
    checks: Mapping[str, Callable[[], str]], found: dict[str, str], faults: dict[str, PipelineError]
) -> None:
    """Make each check, whatever became of those before it; once the Hub does not answer, no more of them."""
    for name, check in checks.items():
        if any(isinstance(one, HubUnreachable) for one in faults.values()):
            return
        try:
            found[name] = check()
        except PipelineError as error:
            faults[name] = error


def _all(faults: Mapping[str, PipelineError]) -> PipelineError:
    """Make one error of several: of the first that asking again would not take away, if there is one."""
    first = next((one for one in faults.values() if not one.passing), next(iter(faults.values())))
    message = "\n  ".join(f"{name}: {error}" for name, error in faults.items())
    if isinstance(first, HubUnreachable):
        return HubUnreachable(message, lasting=first.lasting)
    return type(first)(message)


def summary(found: dict[str, str]) -> str:
    """Return a line per thing that was checked."""
    return "\n".join(f"{name:<18} {what}" for name, what in found.items())


def _device(params: Params) -> str:
    """Say what trains here, and that its processes can talk to each other where there are several."""
    found = installation.device()
    if params.hardware.launch is None:
        return found
    from pipeline.device import launch  # it imports torch

    wanted = launch.demand(params.hardware)
    return f"{found}; {wanted.processes} processes on each of {wanted.machines} machines"


def _ledger(workspace: Path, params: Params) -> str:
    held = holdout.read(workspace)
    languages.demand_kept(params.dataset.languages, held)
    return f"{held['group'].n_unique()} groups are held out"


def _git(workspace: Path) -> str:
    commit = git.head(workspace)
    if commit is None:
        raise InvalidWorkspace(
            f"{workspace} has no git commit; wanted one, because the card states the commit of the code. "
            "Run `git add . && git commit`"
        )
    changed = git.changes(workspace)
    if changed:
        raise InvalidWorkspace(
            f"{', '.join(changed[:5])}{' …' if len(changed) > 5 else ''} differ from commit {commit[:12]}, "
            "which the card would state; commit or revert them"
        )
    identity = subprocess.run(
        ["git", "var", "GIT_COMMITTER_IDENT"], cwd=workspace, capture_output=True, check=False
    )
    if identity.returncode:
        raise InvalidWorkspace(
            "git does not know who commits here; wanted a name and an e-mail for the receipts. "
            "Set them with `git config user.name` and `git config user.email`"
        )
    return f"code is commit {commit[:12]}"


def _disk(workspace: Path, wanted: int) -> str:
    free = shutil.disk_usage(workspace).free
    if free < wanted:
        raise InvalidWorkspace(
            f"{free / 1e9:.1f} GB are free at {workspace}; wanted {wanted / 1e9:.1f} "
            "(hardware.min_free_disk_bytes). Free some, or lower it"
        )
    return f"{free / 1e9:.1f} GB free"


def _client() -> str:
    surroundings.refuse_unusable()
    return "token, certificates and proxies can be used"


def _hub(params: Params) -> str:
    """Ask the Hub one thing, once; whatever it answers, it is there."""
    hub = Hub(params.hub.model_copy(update={"retries": 0}))
    try:
        hub.info(params.dataset.repo, "dataset", params.dataset.revision)
    except HubUnreachable:
        raise
    except HubError:
        pass  # which `dataset` says
    return f"{hub.endpoint} answers"


def _signers(params: Params) -> str:
    names = sorted({one.name for one in signed_approvals.signers(params)})
    return f"approvals count by the signature of {', '.join(names)}"


def _commit(hub: Hub, repo: str, revision: str) -> str:
    return hub.info(repo, "dataset", revision).commit


def _mteb(params: Params, tasks: dict[str, tuple[RepoRef, MtebTask]]) -> str:
    """Have mteb describe the tasks that probes name, and note them."""
    tasks |= mteb_sets.described(mteb_sets.asked_for(params))
    return f"mteb {mteb_process.installed()} has {', '.join(task.name for _, task in tasks.values())}"


def _task(hub: Hub, repo: RepoRef, task: MtebTask) -> str:
    _commit(hub, repo.repo, repo.revision)
    return mteb_sets.said(repo, task)


def _live(workspace: Path, params: Params) -> str:
    """Return what candidates are compared with; no fault where it must be set: a run sets it itself."""
    found = receipts.read_all(workspace)
    standing = live.expected(log.entries(workspace), found, params)
    if standing is None:
        return "nothing was released from here yet: the next candidate is a first release"
    newest = receipts.latest_release(workspace, params.release.repo)
    if newest is not None and live.at_release(workspace, params, newest):
        return f"{standing}; nothing to compare, because the candidate is {newest.version}'s"
    if live.satisfied(params, standing, found):
        return f"{standing}, and candidates are compared with it"
    return f"{live.difference(params, standing)}: run `katman refresh`"


def _backup(workspace: Path, params: Params) -> str:
    """Bring the log to and from its backup; no fault where that fails: nothing here needs it today."""
    asked = params.release.backup
    if asked is None:
        return (
            "warning: the log stands on this machine alone, and who loses it may judge nobody on these "
            "test rows any more; set release.backup"
        )
    warnings = [*backup.keep_log(workspace, params), *backup.keep_release(workspace, params)]
    return "; ".join(warnings) or f"the log is at {asked.git}"
