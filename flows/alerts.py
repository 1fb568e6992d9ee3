"""`alerts`: have Prefect's server tell somebody how a run ended, where that asks for a person.

The server sends it, also where the worker is dead; where the server is, `katman status` in a timer says that
a run is overdue.
"""

import os
from argparse import ArgumentParser
from datetime import timedelta
from pathlib import Path
from typing import Literal
from uuid import UUID

from prefect.blocks.webhook import Webhook
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.events.actions import CallWebhook, SendNotification
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_API_URL
from prefect.types import SecretDict
from pydantic import SecretStr

from flows import server
from pipeline.errors import InvalidWorkspace

# The address is a secret: whoever knows it can write there.
WEBHOOK = "KATMAN_ALERTS_URL"
_BLOCK = "katman-alerts"
# The states of `flows.retrain` and `flows.approve` after which somebody must look.
TOLD = ("Refused", "Waiting", "Failed", "Crashed")
_FLOWS = ["retrain", "approve"]
# What is said, as Jinja expressions of the server's: first what a locked phone shows, a hundred letters.
# The workspace is its folder's name; `.` is the only one of its worker.
_WHICH = r"""('' if (flow_run.parameters or {}).get('workspace', '.') == '.'
    else ' (' ~ (flow_run.parameters['workspace'] ~ '').rstrip('/').split('/')[-1] ~ ')')"""
_SAID = rf"""'katman: ' ~ flow_run.state.name ~ {_WHICH} ~ ': ' ~ (flow_run.state.message or 'no message')
    ~ '\n' ~ flow_run.name"""
_LINK = r"'\n' ~ (flow_run | ui_url or '')"
# `&`, `<` and `>` would be commands to Slack, and a message holds values of a data set.
_ESCAPED = f"({_SAID}) | replace('&', '&amp;') | replace('<', '&lt;') | replace('>', '&gt;')"
_SLACK = f'{{"text": {{{{ (({_ESCAPED}) ~ {_LINK}) | tojson }}}}}}'
_MAIL = f"{{{{ {_SAID} ~ {_LINK} }}}}"


def name(state: str) -> str:
    """Return the name of the automation that tells of a state."""
    return f"katman: {state.lower()}"


def arguments(parser: ArgumentParser) -> None:
    """Register what is done, and through what."""
    parser.add_argument("action", choices=["install", "remove"], help="at Prefect's server")
    parser.add_argument(
        "--block",
        metavar="TYPE/NAME",
        help="a notification block of Prefect's, as sendgrid-email/ops; or the webhook of KATMAN_ALERTS_URL",
    )
    parser.epilog = "example:\n  katman alerts install"


def run(workspace: Path, action: Literal["install", "remove"], block: str | None) -> list[str]:
    """Install or remove one automation for each state of `TOLD`; what stands there already is replaced.

    Args:
        workspace: Not asked: the automations are the server's, for all its workspaces.
        action: What is done.
        block: A notification block that stands at the server; None for a webhook, whose body is Slack's.

    Returns:
        The automations' names.

    Raises:
        InvalidWorkspace: There is no server, webhook or block.
    """
    if not PREFECT_API_URL.value():
        raise InvalidWorkspace(
            "PREFECT_API_URL is not set; wanted the address of Prefect's server. Set it as docs/operating.md "
            "says"
        )
    try:
        with get_client(sync_client=True) as client:
            tells = None if action == "remove" else _action(client, block)
            for state in TOLD:
                for standing in client.read_automations_by_name(name(state)):
                    client.delete_automation(standing.id)
                if tells is not None:
                    client.create_automation(_automation(state, tells))
    except server.AWAY as error:
        raise InvalidWorkspace(
            f"Prefect's server did not do it ({type(error).__name__}: {error}); wanted one that answers at "
            "PREFECT_API_URL. Start it, then run it again"
        ) from None
    return [name(state) for state in TOLD]


def summary(names: list[str]) -> str:
    """Return a line per automation."""
    return "\n".join(names)


def _automation(state: str, tells: CallWebhook | SendNotification) -> AutomationCore:
    """Return what is told each time that a run of katman's flows comes into a state."""
    return AutomationCore(
        name=name(state),
        description="katman alerts install; `katman alerts remove` takes it away",
        trigger=EventTrigger.model_validate(
            {
                "expect": {f"prefect.flow-run.{state}"},
                "match": {"prefect.resource.id": "prefect.flow-run.*"},
                "match_related": {"prefect.resource.role": "flow", "prefect.resource.name": _FLOWS},
                "for_each": {"prefect.resource.id"},
                "posture": Posture.Reactive,
                "threshold": 1,
                "within": timedelta(0),
            }
        ),
        actions=[tells],
    )


def _action(client: SyncPrefectClient, block: str | None) -> CallWebhook | SendNotification:
    """Return what tells somebody: the block that is named, or the webhook of the environment."""
    if block is not None:
        subject = "katman: {{ flow_run.state.name }}"
        return SendNotification(block_document_id=_standing(client, block), subject=subject, body=_MAIL)
    url = os.environ.get(WEBHOOK, "")
    if not url.startswith(("http://", "https://")):
        raise InvalidWorkspace(
            f"{WEBHOOK} is {'not set' if not url else 'no address of http'}; wanted the webhook that takes "
            '{"text": …}, as Slack, Mattermost and others give it, or --block TYPE/NAME. Set it in the '
            "environment: it is a secret"
        )
    headers = SecretDict({"Content-Type": "application/json"})
    made = Webhook(url=SecretStr(url), headers=headers).save(_BLOCK, overwrite=True)
    assert isinstance(made, UUID)
    return CallWebhook(block_document_id=made, payload=_SLACK)


def _standing(client: SyncPrefectClient, block: str) -> UUID:
    """Return the block that is named, which must be one that notifies."""
    kind, _, own = block.partition("/")
    try:
        found = client.read_block_document_by_name(own, kind)
    except ObjectNotFound:
        found = None
    able = found.block_schema.capabilities if found is not None and found.block_schema is not None else []
    if found is None or "notify" not in able:
        raise InvalidWorkspace(
            f"--block is {block!r}, and Prefect's server has no such block that notifies; wanted TYPE/NAME "
            "of one, as `prefect block ls` lists it. Make it on the page Blocks"
        )
    return found.id
