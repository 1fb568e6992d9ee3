"""What stands on the page of a run that waits."""

from pathlib import Path

import pytest

from flows import decision_page
from pipeline.params import Params
from pipeline.params.approve import Signer
from pipeline.publishing import waiting
from pipeline.workspace import paths
from pipeline.workspace.files import write_text
from tests.support.deciding import PARAMS, WAITS, asks, waits_in


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_text(tmp_path / paths.CARD / "README.md", "---\nlicense: x\n---\n# Tiny\n\n![a](pictures/a.svg)\n")
    return waits_in(tmp_path)


def signed_by(*names: str) -> Params:
    signers = tuple(Signer(name=name, key="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJp0") for name in names)
    return asks(signers=signers)


def test_page_says_why_and_where_and_shows_the_card(folder: Path) -> None:
    page = decision_page.to_decide(folder, PARAMS, "http://127.0.0.1:4200/deployments/deployment/1/run")
    assert "every stored one must be made anew" in page
    assert "[Approve or reject it](http://127.0.0.1:4200/deployments/deployment/1/run)" in page
    assert "What nobody decides in 14 days is rejected by the next run." in page
    assert page.endswith("## Card\n\n# Tiny\n")  # its pictures stand above
    assert "To be signed" not in page
    assert "prefect deployment run approve/production" in decision_page.to_decide(folder, PARAMS, None)


def test_page_has_the_text_of_each_signer(folder: Path) -> None:
    params = signed_by("Ada", "Bob")
    waiting.begin(folder, params, WAITS)
    page = decision_page.to_decide(folder, params, None)
    for _, draft in waiting.drafts(folder, WAITS.candidate):
        assert f"cat > approval.json <<'END'\n{draft.statement()}END\nssh-keygen -Y sign" in page
    assert page.count("END\nssh-keygen") == 2
