"""What stands on the page of a run that waits."""

from pathlib import Path

import pytest

from flows.views import decision_page
from pipeline.params import Params
from pipeline.params.approve import Signer
from pipeline.publishing import waiting
from pipeline.workspace import approvals, paths
from pipeline.workspace.files import write_text
from tests.support.deciding import PARAMS, WAITS, asks, waits_in


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_text(
        tmp_path / paths.CARD / "README.md",
        "---\nlicense: x\n---\n# Tiny, [`1`](h)\n\n![a](pictures/a.svg)\n\n"
        "<details><summary>Every check</summary>\n\n| a | b |\n|:---|---:|\n| x | y |\n\n</details>\n",
    )
    return waits_in(tmp_path)


def signed_by(*names: str) -> Params:
    signers = tuple(Signer(name=name, key="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJp0") for name in names)
    return asks(signers=signers)


def test_page_says_why_and_where(folder: Path) -> None:
    page = decision_page.to_decide(folder, PARAMS, "http://127.0.0.1:4200/deployments/deployment/1/run")
    assert page.index("every stored one must be made anew") < page.index("Approve or reject it")
    assert "**[Approve or reject it](<http://127.0.0.1:4200/deployments/deployment/1/run>)**" in page
    assert page.endswith("What nobody decides in 14 days is rejected by the next run.")
    assert "To be signed" not in page
    without = decision_page.to_decide(folder, PARAMS, None)
    assert f"Decide in `{folder}` with `katman approve` or `katman reject`." in without


def test_page_says_of_an_approval_that_it_does_not_count(folder: Path) -> None:
    given = approvals.draft(folder, PARAMS, WAITS, "A_da", "yes").model_copy(update={"gate": "d" * 64})
    approvals.save(folder, WAITS.candidate, given)
    page = decision_page.to_decide(folder, PARAMS, None)
    assert "A\\_da's approval does not count: it is for gate values dddddddddddd" in page


def test_page_shows_the_card_without_what_stands_above(folder: Path, tmp_path: Path) -> None:
    assert decision_page.card(folder) == (
        "## Card\n\n# Tiny, [1](h)\n\n\n\n**Every check**\n\n| a | b |\n|:---|---:|\n| x | y |"
    )
    assert decision_page.card(tmp_path / "elsewhere") == ""


def test_page_has_the_text_of_each_signer(folder: Path) -> None:
    params = signed_by("Ada", "Bob")
    waiting.begin(folder, params, WAITS)
    page = decision_page.to_decide(folder, params, None)
    for _, draft in waiting.drafts(folder, WAITS.candidate):
        assert f"cat > approval.json <<'END'\n{draft.statement()}END\nssh-keygen -Y sign" in page
    assert page.count("END\nssh-keygen") == 2
