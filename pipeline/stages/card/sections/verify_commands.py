"""The three commands by which a reader of the card verifies a release."""

import shlex

_HUB = "https://huggingface.co"
# Lines as `sha256sum --check` reads them.
_LISTED = (
    "import json; "
    "[print(f['digest']['sha256'], '', f['name']) for f in json.load(open('provenance.json'))['subject']]"
)


def commands(repo: str, version: str, endpoint: str) -> str:
    """Return them as lines for a shell.

    Args:
        repo: Where the release stands.
        version: The one that it bears.
        endpoint: Address of the Hub; where it is not the public one, the lines that ask it name it.
    """
    where = "" if endpoint == _HUB else f"HF_ENDPOINT={shlex.quote(endpoint)} "
    folder = f"{repo.split('/')[1]}-{version}"
    return "\n".join(
        [
            f"{where}hf download {repo} --revision {version} --local-dir {folder}",
            f'(cd {folder} && python3 -c "{_LISTED}" | sha256sum --check)',
            f"{where}katman verify {repo}@{version}",
        ]
    )
