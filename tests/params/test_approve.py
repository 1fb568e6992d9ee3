"""Lines that are public keys of ssh, and such that are none."""

import pytest
from pydantic import ValidationError

from pipeline.params.approve import ApproveParams, Signer

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJp0"


@pytest.mark.parametrize(
    "key", [KEY, f"{KEY} ada@example.org", f"sk-ecdsa-sha2-nistp256@openssh.com {KEY.split()[1]}"]
)
def test_line_of_a_public_key_is_one(key: str) -> None:
    assert Signer(name="Ada", key=key).key == key


@pytest.mark.parametrize(
    "key",
    [
        "",
        "ssh-ed25519",
        "-----BEGIN OPENSSH PRIVATE KEY-----",
        f"{KEY}\nssh-ed25519 AAAA",  # a second line would be a second signer
        f'command="x" {KEY}',
        "ssh-ed25519 AAAAC3=Nz!",
    ],
)
def test_anything_else_is_none(key: str) -> None:
    with pytest.raises(ValidationError, match="is no public key of ssh"):
        Signer(name="Ada", key=key)


def test_approver_other_than_the_committer_is_known_by_a_signature() -> None:
    given = {"policy": "auto", "narrow": 0.0, "wait_days": None, "other_than_committer": True, "signers": ()}
    with pytest.raises(ValidationError, match="wanted the keys whose signatures count"):
        ApproveParams.model_validate(given)
    assert ApproveParams.model_validate(given | {"signers": (Signer(name="Ada", key=KEY),)}).signers
