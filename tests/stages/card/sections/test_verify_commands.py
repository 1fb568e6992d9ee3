"""The three commands of a card name what a reader has: repository, version and Hub."""

import shlex

from pipeline.stages.card.sections.verify_commands import commands


def test_commands_of_the_public_hub_name_no_address() -> None:
    download, check, verify = commands("owner/model", "v3", "https://huggingface.co").splitlines()
    assert download == "hf download owner/model --revision v3 --local-dir model-v3"
    assert check.startswith("(cd model-v3 && python3 -c ")
    assert verify == "katman verify owner/model@v3"


def test_address_of_another_hub_is_quoted_for_the_shell() -> None:
    download = commands("owner/model", "v3", "http://hub.local/a b;rm").splitlines()[0]
    assert shlex.split(download)[0] == "HF_ENDPOINT=http://hub.local/a b;rm"
