"""The commands that README and the pages in docs/ give, and which test runs each as it is written."""

import re
from functools import cache
from pathlib import Path

from tests.support.workspaces import PROJECT

PAGES = (PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", *sorted((PROJECT / "docs").glob("*.md")))

# Typed by tests/faults/test_operating.py, in its order.
WALKED = (
    "katman init --dataset OWNER/NAME --base OWNER/NAME --release OWNER/NAME",
    'git add params.yaml && git commit -m "Start"',
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
    "dvc metrics show",
    "dvc metrics diff model/v3",
    r"dvc exp show --only-changed --drop '.*/|.*\.(parquet|json|csv|yaml)$|model$'",
    "dvc plots show",
    "dvc exp run -S train.learning_rate=1e-5 train",
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
# Typed by tests/test_line.py, which goes through docs/start.md from here on, for two releases.
STARTED = (
    "katman check",
    "katman refresh",
    "dvc repro audit",
    "katman plan",
    "dvc repro",
    "katman release",
    "katman deployed v1",
)
# What is run otherwise, or cannot be run by a test.
ELSEWHERE = {
    "make sample": ".ci/run, which begins with it",
    "make sample-next": "by hand: two more trainings of the sample",
    "make check": "what runs this test",
    "make test": "what runs this test",
    "make long": "tests of their own, which CI runs behind `make test`",
    "git clone URL work && cd work": "the folder that this test stands in",
    "make .venv": "the environment that runs this test",
    ". .venv/bin/activate": "the same",
    "hf auth login": "asks a person for a token; tests have theirs in HF_TOKEN",
    "prefect server start": "tests/flows/server.py, whose server is started by its unit's command",
    "useradd --system katman-server": "root's",
    "useradd --system --create-home --home-dir /srv/katman katman": "root's",
    "install -d -m 700 /etc/katman": "root's",
    "cp systemd/katman-* /etc/systemd/system/ && systemctl daemon-reload": "root's",
    "systemctl enable --now katman-server katman-worker katman-status.timer": "needs systemd as process 1",
    "katman train": "tests/commands/test_join.py",
    "katman join 1": "tests/commands/test_join.py",
    'katman approve --name Ada --reason "the index is made anew tonight"': "tests/commands/test_approve.py",
    'katman reject --name Ada --reason "half of the new rows are tests"': "tests/commands/test_reject.py",
    "ssh-keygen -Y sign -f ~/.ssh/id_ed25519 -n katman approvals/.CANDIDATE.unsigned.json": (
        "tests/commands/test_approve.py"
    ),
    "katman approve --signature approvals/.CANDIDATE.unsigned.json.sig": "tests/commands/test_approve.py",
    "katman verify OWNER/NAME@v4 --key owner.pem": "tests/commands/test_verify.py",
    "katman verify OWNER/NAME@v4 --key new.pem --key old.pem": "tests/commands/test_verify.py",
    "katman verify OWNER/NAME@main --identity WHO --issuer URL": "needs sigstore on the internet",
    "prefect deployment run approve/production --param decision=approve --param name=Ada "
    '--param reason="the index is made anew tonight"': "tests/flows/test_approve.py",
    "KATMAN_ALERTS_URL=https://hooks.slack.com/services/… katman alerts install": (
        "tests/flows/test_alerts.py"
    ),
    "katman alerts install --block sendgrid-email/ops": "needs somebody's block at Prefect's server",
    "katman alerts remove": "tests/flows/test_alerts.py",
    "0 8 * * * cd /srv/katman && . .venv/bin/activate && katman status --json > /tmp/katman.json || "
    """curl -fsS -H 'Content-Type: application/json' -d '{"text": "katman: overdue"}' """
    '"$KATMAN_ALERTS_URL"': "needs cron",
    "pip install vl-convert-python && python -m docs.plots_page": "tests/docs/test_plots_page.py",
    "dvc exp apply slower && katman release": "tests/trust/test_looks.py has what an experiment judges",
}


def commands(*pages: Path) -> list[str]:
    """Return each line of the pages' blocks for a shell, without its comment; `export` is environment.

    Args:
        pages: Of `PAGES`; none for all of them.
    """
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages or PAGES)
    blocks = re.findall(r"^ *```(?:sh|bash|shell|console)\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)
    lines = [re.sub(r"(^|\s+)#\s.*$", "", line).strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line and not line.startswith("export ")]


@cache
def named(word: str) -> tuple[str, ...]:
    """Return each command on the pages that begins with a word, in a block or within a sentence."""
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    within = re.findall(r"(?<!`)`([^`\n]+)`(?!`)", re.sub(r"^ *```.*?^ *```", "", text, flags=re.S | re.M))
    return tuple(one for one in dict.fromkeys([*within, *commands()]) if one.startswith(f"{word} "))
