"""What of this machine the Hub's client needs before it asks anything: token, certificates, proxies, cache.

The client reads all four from the environment, and where one is unusable it fails far from there, with an
error that names none of them. Each is tried here, and named.
"""

import os
import ssl
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
from huggingface_hub import constants, get_token

from pipeline.errors import HubDenied, InvalidWorkspace, first_line

_TOKENS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
_PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")
_CERTIFICATES = "SSL_CERT_FILE"


def token() -> str | None:
    """Return the token that the client would send; None where there is none.

    Raises:
        HubDenied: It could not be sent, or its file cannot be read.
    """
    source = next((f"the variable {name}" for name in _TOKENS if os.environ.get(name)), None)
    source = source or f"the file {constants.HF_TOKEN_PATH}"
    try:
        found = get_token()
    except (OSError, UnicodeDecodeError) as error:
        raise HubDenied(
            f"the token in {source} cannot be read: {first_line(error)}; wanted a file with the token alone. "
            "Run `hf auth login`"
        ) from None
    if found is not None and not all("!" <= letter <= "~" for letter in found):
        # The token itself is never shown.
        place = next(place for place, letter in enumerate(found, 1) if not "!" <= letter <= "~")
        raise HubDenied(
            f"the token in {source} has at place {place} of {len(found)} a character that no token has; "
            "wanted letters and digits of ASCII. Copy it again from the Hub's page of tokens"
        )
    return found


def refuse_unusable() -> None:
    """Try what a client is built with.

    Raises:
        HubDenied: The token.
        InvalidWorkspace: The certificates, or a proxy.
    """
    token()
    _certificates()
    for name in _PROXIES:
        for spelt in (name, name.lower()):
            if value := os.environ.get(spelt):
                _proxy(spelt, value)


def writable_cache() -> Path:
    """Return the folder that downloads go to, if something can be written there.

    Raises:
        InvalidWorkspace: It cannot be made, or nothing can be written there.
    """
    folder = Path(constants.HF_HUB_CACHE)
    return writable(folder, "downloads go there; set HF_HOME or HF_HUB_CACHE to another one")


def writable(folder: Path, purpose: str) -> Path:
    """Return a folder in which a file was made and removed again.

    Args:
        folder: Made where it is missing.
        purpose: What it is for and what to do, for the message.

    Raises:
        InvalidWorkspace: The folder cannot be made, or nothing can be written there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"katman")
    except OSError as error:
        raise InvalidWorkspace(
            f"nothing can be written to {folder}: {error.strerror or error}; wanted a folder with room, "
            f"because {purpose}"
        ) from None
    return folder


def _certificates() -> None:
    path = os.environ.get(_CERTIFICATES)
    if not path:
        return
    try:
        ssl.create_default_context(cafile=path)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        said = getattr(error, "strerror", None) or first_line(error)
        raise InvalidWorkspace(
            f"{_CERTIFICATES} is {path!r}, which cannot be used: {said}; wanted certificates (PEM). "
            f"Correct {_CERTIFICATES}, or unset it"
        ) from None


def _proxy(name: str, value: str) -> None:
    address = value if "://" in value else f"http://{value}"
    said = ""
    try:
        parts = urlsplit(address)
        if not parts.hostname or any(letter.isspace() for letter in address) or parts.port == 0:
            said = "it is no address of a host"
        httpx2.HTTPTransport(verify=False, proxy=httpx2.Proxy(address)).close()
    except ImportError:
        said = "it is a SOCKS proxy, and the package socksio is not installed"
    except (ValueError, httpx2.InvalidURL) as error:
        said = first_line(error)
    if said:
        # A proxy's address may hold a password.
        shown = f"{address.partition('://')[0]}://{address.partition('://')[2].rpartition('@')[2]}"
        raise InvalidWorkspace(
            f"{name} is {shown!r}, which the Hub's client cannot use: {said}; wanted http://HOST:PORT. "
            f"Correct {name}, or unset it"
        )
