"""Which addresses are asked: by https, by http on this machine or where params.yaml names the host."""

import ipaddress
import socket
from collections.abc import Collection

import httpx2

from pipeline.errors import HubError

_XET_ADDRESS = "X-Xet-Cas-Url"
_SHOWN_LETTERS = 200


class Addresses:
    """What a client of one Hub may ask, wherever answers of that Hub send it."""

    def __init__(self, endpoint: str, plain_http: Collection[str]) -> None:
        """Take a Hub's own address.

        Args:
            endpoint: As `hub.endpoint` has it.
            plain_http: Hosts beyond this machine that may be asked by `http://`.

        Raises:
            HubError: The Hub's own address is none of those.
        """
        try:
            own = httpx2.URL(endpoint)
        except httpx2.InvalidURL as error:
            raise HubError(
                f"{endpoint} is no address ({error}). Correct hub.endpoint, or HF_ENDPOINT"
            ) from None
        self._plain_http = frozenset(host.lower() for host in plain_http)
        self._beyond = not is_loopback(own.host)
        self._refuse_plain(own)

    def demand(self, request: httpx2.Request) -> None:
        """Refuse a request that would leave this machine unencrypted, or come back to it; a hook of httpx2.

        A Hub names addresses in its answers too: where to upload, where the next page is.

        Raises:
            HubError: It would.
        """
        self._refuse_plain(request.url)
        if self._beyond and is_loopback(request.url.host):
            raise self._refused(request.url, "which is this machine")

    def demand_onward(self, response: httpx2.Response) -> None:
        """Refuse an answer that sends the client somewhere else than it may go; a hook of httpx2.

        The client follows some redirects itself, by another request: they are looked at where they are said.

        Raises:
            HubError: A redirect leads from another host to this machine, or to another scheme.
        """
        asked = response.request.url
        named = response.headers.get("Location") if 300 <= response.status_code < 400 else None
        for address in filter(None, (named, response.headers.get(_XET_ADDRESS))):
            try:
                target = asked.join(address)
            except httpx2.InvalidURL:
                raise self._refused(address, "which is no address") from None
            if not is_loopback(asked.host):
                if target.scheme != asked.scheme:
                    raise self._refused(target, f"by another scheme than it was asked by ({asked.scheme})")
                if is_loopback(target.host) or _leads_here(target.host):
                    raise self._refused(target, "which is this machine")
            self._refuse_plain(target)

    def _refuse_plain(self, url: httpx2.URL) -> None:
        if url.scheme == "https" or (url.scheme == "http" and is_loopback(url.host)):
            return
        if url.scheme == "http" and url.host.lower() in self._plain_http:
            return
        raise HubError(
            f"{_shown(url)} is asked without encryption, and anybody on the way could read the token and "
            "change what comes; wanted https://. Correct hub.endpoint (or HF_ENDPOINT), or name the host in "
            "hub.plain_http if nobody else is on the way"
        )

    def _refused(self, target: httpx2.URL | str, why: str) -> HubError:
        return HubError(
            f"the Hub sends the client on to {_shown(target)}, {why}; wanted an address of its own, reached "
            "as safely. Nothing was asked there. Find out who answers at hub.endpoint"
        )


def is_loopback(host: str) -> bool:
    """Return whether a host, as an address names it, is this machine.

    Example:
        >>> [is_loopback(one) for one in ("127.0.0.1", "localhost", "::1", "2130706433", "huggingface.co")]
        [True, True, True, True, False]
    """
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.ip_address(name)
    except ValueError:
        try:  # 127.1, 2130706433 and 0x7f000001, which the system's resolver takes too
            address = ipaddress.IPv4Address(socket.inet_aton(name))
        except (OSError, UnicodeEncodeError):
            return False
    inner = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    found = inner or address
    return found.is_loopback or found.is_unspecified


def _leads_here(host: str) -> bool:
    """Return whether a name, looked up now, is this machine's; one that nobody knows is not."""
    try:
        found = socket.getaddrinfo(host, None)
    except (OSError, UnicodeError):
        return False
    return any(is_loopback(str(one[4][0]).partition("%")[0]) for one in found)


def _shown(address: httpx2.URL | str) -> str:
    said = str(address).partition("?")[0]  # a query can be a permission
    return repr(said if len(said) <= _SHOWN_LETTERS else f"{said[:_SHOWN_LETTERS]}…")
