"""Signatures of persons under approvals, made and checked by `ssh-keygen`, in the namespace `katman`."""

import base64
import hashlib
import re
import subprocess
import tempfile
import textwrap
from collections.abc import Sequence
from pathlib import Path

from pipeline.errors import InvalidParams, InvalidWorkspace, ReleaseRefused
from pipeline.params import Params
from pipeline.params.approve import Signer
from pipeline.params.release import KeySignature
from pipeline.records import Approval

NAMESPACE = "katman"
_PRINCIPAL = "signer"
_BEGIN, _END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"


def signers(params: Params) -> tuple[Signer, ...]:
    """Return whose signatures count.

    Raises:
        InvalidParams: The key that signs releases is among theirs: it lies where the schedule runs.
        InvalidWorkspace: ssh-keygen is not installed.
    """
    found, release = params.approve.signers, params.release.signature
    paths = map(Path, release.public_keys) if found and isinstance(release, KeySignature) else ()
    for path in paths:
        key = _as_ssh(path.expanduser())
        same = [one.name for one in found if key is not None and _blob(one.key) == _blob(key)]
        if same:
            raise InvalidParams(
                f"approve.signers names the key of {', '.join(same)}, which is {path}, the one that signs "
                "releases; wanted one that only this person holds. Make one with `ssh-keygen -t ed25519`"
            )
    return found


def sign_line(statement: Path) -> str:
    """Return the line that a person runs to sign a statement; it leaves the signature beside it (`.sig`)."""
    return f"ssh-keygen -Y sign -f ~/.ssh/id_ed25519 -n {NAMESPACE} {statement}"


def identify(approval: Approval, known: Sequence[Signer]) -> str:
    """Return the fingerprint of the key that signed an approval.

    Raises:
        ReleaseRefused: It is signed by none of the keys of the person that it names.
        InvalidWorkspace: ssh-keygen is not installed.
    """
    own = [one for one in known if one.name == approval.name]
    if not own:
        names = ", ".join(sorted({one.name for one in known}))
        raise ReleaseRefused(f"it names {approval.name!r}; wanted one of approve.signers: {names}")
    if approval.signature is None:
        raise ReleaseRefused(f"it is not signed; wanted a signature by a key of {approval.name}")
    for one in own:
        if _signed(approval, one.key):
            return fingerprint(one.key)
    raise ReleaseRefused(
        f"its signature is none of this text by a key of {approval.name} "
        f"({', '.join(fingerprint(one.key) for one in own)}), in the namespace {NAMESPACE}"
    )


def armored(text: str) -> str:
    """Return a signature as ssh-keygen writes it, also where a form made one line of its lines."""
    found = re.search(rf"{_BEGIN}([A-Za-z0-9+/=\\\s]+){_END}", text)
    if found is None:
        return text
    body = re.sub(r"\\n|\s", "", found[1])
    return "\n".join([_BEGIN, *textwrap.wrap(body, 70), _END, ""])


def fingerprint(key: str) -> str:
    """Return the name of a public key, as `ssh-keygen -l` prints it."""
    digest = hashlib.sha256(base64.b64decode(_blob(key))).digest()
    return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"


def _signed(approval: Approval, key: str) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        allowed, signature = Path(folder, "allowed_signers"), Path(folder, "signature")
        known = " ".join(key.split()[:2])
        allowed.write_text(f'{_PRINCIPAL} namespaces="{NAMESPACE}" {known}\n', encoding="utf-8")
        signature.write_text(approval.signature or "", encoding="utf-8")
        who = ("-f", str(allowed), "-I", _PRINCIPAL, "-n", NAMESPACE)
        checked = _ssh_keygen("-Y", "verify", *who, "-s", str(signature), given=approval.statement())
        return checked.returncode == 0


def _as_ssh(pem: Path) -> str | None:
    """Return a PEM file's public key as ssh writes it; None where it lies on another machine."""
    answer = _ssh_keygen("-i", "-m", "PKCS8", "-f", str(pem))
    return answer.stdout.strip() if answer.returncode == 0 else None


def _blob(key: str) -> str:
    return key.split()[1]


def _ssh_keygen(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            ["ssh-keygen", *arguments], input=given, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise InvalidWorkspace(
            "approve.signers asks for signatures and ssh-keygen is not here; wanted it installed (OpenSSH "
            "8.1 or newer)"
        ) from None
