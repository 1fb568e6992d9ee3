"""The commands of docs/operating.md, and which of them a test runs as they are written."""

import re

from tests.support.workspaces import PROJECT

# By tests/faults/test_operating.py, in its order.
WALKED = (
    "katman init --dataset OWNER/NAME --base OWNER/NAME --release OWNER/NAME",
    'dvc init && git add -A && git commit -m "Start"',
    "katman check",
    "dvc repro",
    "katman retrain",
    "katman status",
    "katman status --json",
    "katman releases",
    "katman deployed v3",
    "katman rollback --to v2",
    "katman deployed v4",
    "katman verify OWNER/NAME@v4",
    "katman looks --fetch REMOTE",
    "git clone --branch NAME REMOTE work && cd work",
    "katman restore",
    "git checkout model/v3",
    "dvc pull --remote NAME",
    "git checkout params.yaml dvc.lock splits.ledger records reembed.json curves.csv",
    "dvc checkout",
    "prefect work-pool create katman --type process --base-job-template flows/pool.json",
    "prefect --no-prompt deploy --all",
    "katman worker",
    "prefect deployment run 'retrain/production'",
    "prefect deployment run 'retrain/production' --param release=false",
    "prefect flow-run ls",
    "prefect flow-run logs ID",
    "prefect flow-run cancel ID",
    "prefect deployment schedule ls retrain/production",
    "katman adopt OWNER/NAME@main --trained-on OWNER/TRIPLETS@main",
    "katman refresh",
    "katman deployed adopted-1",
    "katman looks --lost",
)
# What is run otherwise, or cannot be run here.
ELSEWHERE = {
    "make .venv": "the environment that runs this test",
    ". .venv/bin/activate": "the same",
    "prefect server start": "tests/flows, whose server is started by its unit's command",
    "useradd --system katman-server": "root's",
    "useradd --system --create-home --home-dir /srv/katman katman": "root's",
    "install -d -m 700 /etc/katman": "root's",
    "cp systemd/katman-* /etc/systemd/system/ && systemctl daemon-reload": "root's",
    "systemctl enable --now katman-server katman-worker katman-status.timer": "needs systemd as process 1",
    'katman approve --name Ada --reason "the index is made anew tonight"': "tests/commands/test_approve.py",
    'katman reject --name Ada --reason "half of the new rows are tests"': "tests/commands/test_reject.py",
    "ssh-keygen -Y sign -f ~/.ssh/id_ed25519 -n katman approvals/.CANDIDATE.unsigned.json": "the same",
    "katman approve --signature approvals/.CANDIDATE.unsigned.json.sig": "the same",
    "katman verify OWNER/NAME@v4 --key owner.pem": "tests/commands/test_verify.py",
    "katman verify OWNER/NAME@v4 --key new.pem --key old.pem": "the same",
    "katman verify OWNER/NAME@main --identity WHO --issuer URL": "needs sigstore on the internet",
}


def commands() -> list[str]:
    """Return each line of the document's blocks for a shell, without its comment; `export` is environment."""
    text = (PROJECT / "docs" / "operating.md").read_text(encoding="utf-8")
    lines = [line for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]
    found = [re.sub(r"\s+#\s.*$", "", line).strip() for line in lines]
    return [line for line in found if line and not line.startswith("export ")]
