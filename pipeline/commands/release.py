"""`release`: one new commit on the Hub's main, staged and verified before, tagged, and a receipt for it.

Never a DVC stage: DVC's run cache would bring back a receipt with no push behind it.
"""

import logging
import tempfile
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from pipeline.errors import BrokenChain, ReleaseRefused
from pipeline.hub import Hub
from pipeline.judging import judged_again
from pipeline.params import Params
from pipeline.params.card import policy
from pipeline.publishing import (
    log_state,
    provenance,
    publish,
    release_tree,
    round_trip,
    signatures,
    unsafe_files,
)
from pipeline.publishing.publish import Published
from pipeline.publishing.release_tree import PROVENANCE, SIGNATURE, Intent
from pipeline.records import Approval, Card, Judged, LogState, Pin, Receipt, Reembed, Verdict
from pipeline.wording import checks, sentence
from pipeline.workspace import approvals, backup, digests, git, lineage, live, log, paths, receipts

_LOG = logging.getLogger(__name__)


def run(workspace: Path, params: Params) -> tuple[Receipt, bool]:
    """Release the candidate that was judged, or say that it stands released already.

    Returns:
        The receipt, and whether it was there before.

    Raises:
        InvalidParams: Something was changed since the last release, and live is not what is deployed.
        BrokenChain: A file is not the one that its record names, or did not come back as it was sent.
        WaitsForPerson: A person must approve first.
        ReleaseRefused: The verdict is a no or not the gate's own, the candidate was not compared with what is
            deployed, the log knows less than a release says, something may not go out, main holds a
            stranger's commit, or the version is taken.
        HubError: The Hub was not reached, or refused.
        InvalidWorkspace: git refused to commit what the release rests on.
    """
    live.demand(workspace, params)
    records = passing_records(workspace)
    verdict, card, pin = records
    repo = params.release.repo
    newest = receipts.latest(workspace, repo)
    if newest is not None and newest.candidate == verdict.candidate:
        receipts.commit(workspace, newest)  # a run before this one may have been cut off behind its receipt
        _keep(workspace, params, newest)
        return newest, True
    _refuse_other_code(workspace, card)
    _refuse_uncompared(workspace, params, verdict)
    approval = approvals.demand(workspace, params, verdict)
    _refuse_other_version(workspace, repo, card)
    space = _space(workspace)
    files = release_tree.contents(workspace)
    unsafe_files.refuse_unsafe(files)
    judged_again.demand(workspace, params, verdict)
    hub = Hub(params.hub)
    account = hub.writer(params.release.repo)
    _refuse_other_deployed(hub, workspace, params)
    there = _refuse_seen(hub, params, pin)
    _warn(backup.fetch_log(workspace, params))
    grown = log_state.demand(workspace, hub, repo, verdict.candidate)
    # Before anything stands on the Hub: what a release rests on is in git even where its receipt is not yet.
    git.commit(workspace, f"Candidate {verdict.candidate[:12]}, judged to be {card.version} of {repo}")
    with tempfile.TemporaryDirectory() as scratch:
        intent = _intent(workspace, params, records, approval, grown, files, Path(scratch))
        if not there:
            hub.create_repo(repo, private=params.release.private)
            _refuse_seen(hub, params, pin)  # somebody may have made it meanwhile, and public
        published = publish.publish(
            workspace,
            params.release,
            hub,
            account,
            intent,
            round_trip.against_evaluation(workspace, params),
        )
    receipt = _receipt(workspace, params, records, approval, grown, space, published)
    receipts.save(workspace, receipt)
    _keep(workspace, params, receipt)
    return receipt, False


def summary(released: tuple[Receipt, bool]) -> str:
    """Return what stands on the Hub, whether it stood there before, and what is to be said once it runs."""
    receipt, before = released
    stands = f"{receipt.repo} {receipt.version} at {receipt.commit} ({receipt.released_at})"
    return f"already released: {stands}" if before else f"released: {stands}\n{live.once_it_runs(receipt)}"


def _keep(workspace: Path, params: Params, receipt: Receipt) -> None:
    """Tell the log of a release, tag it in git, and bring all of it where `release.backup` says."""
    log_state.tell(workspace, receipt)
    _warn(backup.keep(workspace, params, receipt))


def _warn(warnings: list[str]) -> None:
    for one in warnings:
        _LOG.warning("%s", one)


def passing_records(workspace: Path) -> tuple[Verdict, Card, Pin]:
    """Read the records behind a release.

    Raises:
        ReleaseRefused: The verdict is a no.
        BrokenChain: What stands in the workspace is not what was judged.
    """
    verdict = Verdict.load(workspace / paths.RECORDS["gate"])
    if not verdict.passed:
        said = sentence.say(verdict)
        failed = [checks.line(verdict, name) for name in verdict.failures()]
        raise ReleaseRefused(
            f"the gate said no, so nothing is released. {said}\n  "
            + "\n  ".join(["checks that do not hold:", *failed])
            + f"\nHow that limit is chosen: {said.remedy.guide}"
        )
    faults = lineage.broken_links(workspace) + lineage.unlocked(workspace)
    if faults:
        raise BrokenChain(
            "what stands here is not what was judged:\n  " + "\n  ".join(faults) + "\nRun `dvc repro`"
        )
    card = Card.load(workspace / paths.RECORDS["card"])
    return verdict, card, Pin.load(workspace / paths.RECORDS["pin"])


def _refuse_other_code(workspace: Path, card: Card) -> None:
    """Refuse code that the card does not state: nobody could find out later what made the candidate."""
    again = "Commit or revert what was changed, then run `dvc repro --force --single-item card`"
    if card.code_commit is None:
        raise ReleaseRefused(
            f"the card knows no commit of the code; wanted the one that it ran with. {again}"
        )
    changed = git.code_changes(workspace, card.code_commit)
    if changed:
        raise ReleaseRefused(
            f"{', '.join(changed[:5])}{' …' if len(changed) > 5 else ''} differ from commit "
            f"{card.code_commit[:12]}, which the card states; wanted the code of that commit. {again}"
        )


def _refuse_uncompared(workspace: Path, params: Params, verdict: Verdict) -> None:
    """Refuse a first release's verdict where there is something to compare with, whatever the records say."""
    standing = live.expected(log.entries(workspace), receipts.read_all(workspace), params)
    if verdict.first_release and standing is not None:
        raise ReleaseRefused(
            f"the candidate was judged as a first release, and {standing}; wanted it compared with that. Run "
            "`katman refresh`, then `dvc repro`; where nothing moved, write its commit "
            f"{standing.commit} into live.revision first"
        )


def _refuse_other_deployed(hub: Hub, workspace: Path, params: Params) -> None:
    """Ask the Hub's tag once more: what the service runs may have changed since the candidate was judged."""
    newest = receipts.latest_release(workspace, params.release.repo)
    if newest is not None and live.at_release(workspace, params, newest):
        return
    standing = live.expected(log.entries(workspace), receipts.read_all(workspace), params)
    repo = live.tag_repo(standing, params)
    tagged = hub.tagged(repo, params.live.tag)
    if live.moved(standing, tagged) and (repo, tagged) != (params.live.repo, params.live.revision):
        raise ReleaseRefused(
            f"the tag {params.live.tag} of {repo} points to {str(tagged)[:12]} by now, and the candidate was "
            f"compared with {str(params.live.revision)[:12]}; wanted what your service runs. Run "
            "`katman refresh`, then `dvc repro`"
        )


def _refuse_other_version(workspace: Path, repo: str, card: Card) -> None:
    wanted = receipts.next_version(workspace, repo)
    if card.version != wanted:
        raise ReleaseRefused(
            f"the card is for {card.version}; wanted {wanted}, the version that comes next in receipts/. "
            "Run `dvc repro --force --single-item card`"
        )


def _space(workspace: Path) -> str:
    path = workspace / paths.REEMBED
    try:
        return Reembed.model_validate_json(path.read_bytes()).space
    except (FileNotFoundError, ValidationError):
        raise BrokenChain(f"{path} does not name the vector space; wanted what `evaluate` writes") from None


def _refuse_seen(hub: Hub, params: Params, pin: Pin) -> bool:
    """Make sure that nobody sees what is kept from them elsewhere; say whether the repository exists."""
    repo, private = params.release.repo, params.release.private
    standing = hub.info(repo, "model") if hub.exists(repo, "model") else None
    if standing is not None and private and not standing.private:
        raise ReleaseRefused(
            f"{repo} is public and release.private is true; wanted it private. Make it so on its settings "
            "page, or set release.private to false if everybody may have this model"
        )
    seen_by_all = not (private if standing is None else standing.private)
    shown = policy(params.card, pin.dataset.private)
    if seen_by_all and pin.dataset.private and shown != "none":
        raise ReleaseRefused(
            f"card.rows is {shown!r}, the data set {pin.dataset.repo} is private and {repo} is "
            "public: rows of it would be shown to everybody. Set card.rows to none, or release to a private "
            "repository"
        )
    return standing is not None


def _intent(
    workspace: Path,
    params: Params,
    records: tuple[Verdict, Card, Pin],
    approval: Approval | None,
    grown: LogState,
    files: Mapping[str, Path],
    scratch: Path,
) -> Intent:
    """Return what main shall hold: the files, how they came about and, where it is wanted, a signature."""
    verdict, card, _ = records
    repo, how = params.release.repo, params.release.signature
    before = receipts.latest(workspace, repo)
    # One that nobody asked for can come between two tries, which must make the same files.
    override = approval if approvals.reasons(workspace, params, verdict) else None
    statement = provenance.write(
        workspace,
        scratch / PROVENANCE,
        files,
        records,
        repo=repo,
        recipe=receipts.recipe(params),
        approval=override,
        previous=before.commit if before is not None else None,
        log=grown,
    )
    tree = {**files, PROVENANCE: statement}
    if how is not None:
        tree[SIGNATURE] = signatures.sign(release_tree.assemble(scratch / "signed", tree), how)
    return release_tree.intend(repo, card.version, verdict.candidate, tree, _lines(records, override))


def _lines(records: tuple[Verdict, Card, Pin], approval: Approval | None) -> list[str]:
    """Return what the pull request says of the candidate; the same lines in each try."""
    verdict, card, pin = records
    lines = [
        f"verdict: {verdict.outcome}, {len(verdict.checks)} checks, look {verdict.look}",
        f"dataset: {pin.dataset.repo} at {pin.dataset.revision}",
        f"base: {pin.base.repo} at {pin.base.revision}",
        f"live: {pin.live.repo} at {pin.live.revision}" if pin.live else "live: none, a first release",
        f"code: {card.code_commit}",
    ]
    lines += [f"looser than for the last release: {sentence}" for sentence in verdict.loosened.values()]
    if approval is not None:
        known = f"{approval.identity}, {approval.approved_at}"
        lines.append(f"approved by {approval.name} ({known}): {approval.reason}")
    return lines


def _receipt(
    workspace: Path,
    params: Params,
    records: tuple[Verdict, Card, Pin],
    approval: Approval | None,
    grown: LogState,
    space: str,
    published: Published,
) -> Receipt:
    """Return the receipt: what stands on the Hub, and everything that it rests on."""
    verdict, card, pin = records
    return Receipt(
        **vars(published),
        kind="release",
        recipe=receipts.recipe(params),
        recipe_version=params.train.recipe_version,
        ingredients=receipts.ingredients(params),
        dataset=pin.dataset.ref(),
        base=pin.base.ref(),
        live=pin.live.ref() if pin.live else None,
        anchor=published.commit if verdict.better_than_anchor or pin.anchor is None else pin.anchor.revision,
        space=space,
        verdict=Judged(
            outcome=verdict.outcome,
            checks=len(verdict.checks),
            look=verdict.look,
            better_than_anchor=verdict.better_than_anchor,
        ),
        approval=approval,
        policy=params.approve.policy,
        log=grown,
        records={path: digests.sha256(workspace / path) for path in paths.RECORDS.values()},
        dvc_lock=digests.sha256(workspace / paths.LOCK),
        code_commit=card.code_commit,
    )
