"""What the Hub would say no to at the end: token, the card's metadata, what the release's main holds."""

import json
from pathlib import Path

from pipeline.errors import HubDenied, InvalidParams
from pipeline.hub import Hub
from pipeline.params import Params
from pipeline.preflight import resources
from pipeline.preflight.resources import Sizes
from pipeline.publishing import main_branch
from pipeline.stages.card import licences
from pipeline.workspace import receipts


def token(hub: Hub, repo: str) -> str:
    """Say whose token it is.

    Raises:
        HubDenied: There is none, or it may not write the release's repository.
    """
    account = hub.account()
    refusal = account.refusal(repo)
    if refusal is not None:
        raise HubDenied(f"{refusal}. Set HF_TOKEN to another token, or correct release.repo")
    return f"{account.name}, may {'write ' + repo if account.writable is not None else account.role}"


def release(hub: Hub, workspace: Path, repo: str) -> str:
    """Say what main of the release's repository holds.

    Raises:
        ReleaseRefused: It holds what this line neither made nor adopted.
    """
    if not hub.exists(repo, "model"):
        return f"{repo} will be created"
    head = hub.info(repo, "model").commit
    standing = hub.files(repo, "model", head)
    adopted = [one for one in receipts.adoptions(workspace) if one.repo == repo]
    main_branch.refuse_stranger(hub, repo, receipts.for_repo(workspace, repo), adopted, head, standing)
    return f"{repo} exists"


def card(hub: Hub, params: Params) -> str:
    """Have the Hub check the metadata that the card will have, as far as it is known.

    Raises:
        InvalidParams: The Hub finds fault with it.
    """
    languages = params.model.languages(params.dataset.languages)
    base = hub.info(params.base.repo, "model", params.base.revision).license
    dataset = hub.info(params.dataset.repo, "dataset", params.dataset.revision).license
    licence = licences.derive(params.model.license, base, dataset)
    metadata = {"language": languages, "license": licence.name} if languages else {"license": licence.name}
    # YAML is a superset of JSON.
    faults = hub.card_faults(f"---\n{json.dumps(metadata, ensure_ascii=False)}\n---\n")
    if faults:
        raise InvalidParams(
            f"the Hub would refuse a card with the licence {licence.name!r} (model.license is "
            f"{params.model.license!r}, the base states {base!r}, the data set {dataset!r}) and the "
            f"languages {languages}: {'; '.join(faults)}. Set model.license and model.language: a licence's "
            "identifier is in small letters, as apache-2.0, and a language is a code, as tr"
        )
    return f"the Hub accepts {json.dumps(metadata, ensure_ascii=False)}"


def sizes(hub: Hub, params: Params) -> Sizes:
    """Return how much the Hub lists of what a run downloads."""
    return resources.listed(
        hub.files(params.dataset.repo, "dataset", params.dataset.revision),
        hub.files(params.base.repo, "model", params.base.revision),
        sum(one is not None for one in (params.live.revision, params.anchor.revision)),
    )
