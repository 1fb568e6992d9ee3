"""Addresses that a Hub, or whoever stands before it, sends the client to: with the token, or from inside."""

from collections.abc import Callable

import httpx2
import pytest

from pipeline.errors import HubError, HubUnreachable
from pipeline.hub.addresses import Addresses
from tests.conftest import Stage
from tests.hostile.interceptor import Answer, between
from tests.support.hubs import everything, hub_at

# By class: the Hub's own address, and where its answer sends the client.
HOSTILE: dict[str, list[tuple[str, str]]] = {
    "to this machine": [
        ("https://hub.test", address)
        for address in (
            "https://127.0.0.1/x",
            "https://localhost:4200/api/admin",
            "https://[::1]/x",
            "https://[::ffff:127.0.0.1]/x",
            "https://0.0.0.0/x",
            "https://2130706433/x",
            "https://127.1/x",
            "https://a.localhost/x",
            "//127.0.0.1/x",
        )
    ],
    "to another scheme": [
        ("https://hub.test", "http://hub.test/x"),
        ("https://hub.test", "http://named.test/x"),
        ("https://hub.test", "ftp://hub.test/x"),
        ("https://hub.test", "file:///etc/passwd"),
        ("http://named.test", "https://named.test/x"),
    ],
    "unencrypted, from this machine": [("http://127.0.0.1:1", "http://hub.test/x")],
}
CASES = [(f"{kind} {place}", *one) for kind, many in HOSTILE.items() for place, one in enumerate(many)]
FINE = [
    ("https://hub.test", "https://cdn.test/x"),
    ("https://hub.test", "/x"),
    ("http://named.test", "http://named.test/x"),
    ("http://127.0.0.1:1", "https://hub.test/x"),
    ("http://127.0.0.1:1", "http://localhost:2/x"),
]


def client(endpoint: str, said: Callable[[httpx2.Request], httpx2.Response], follow: bool) -> httpx2.Client:
    addresses = Addresses(endpoint, ("named.test",))
    return httpx2.Client(
        transport=httpx2.MockTransport(said),
        event_hooks={"request": [addresses.demand], "response": [addresses.demand_onward]},
        follow_redirects=follow,
    )


def sending(endpoint: str, target: str, asked: list[str]) -> Callable[[httpx2.Request], httpx2.Response]:
    def said(request: httpx2.Request) -> httpx2.Response:
        asked.append(str(request.url))
        moved = len(asked) == 1
        return httpx2.Response(302 if moved else 200, headers={"Location": target} if moved else {})

    return said


@pytest.mark.parametrize("follow", [True, False], ids=["followed", "seen"])
@pytest.mark.parametrize(("endpoint", "target"), [one[1:] for one in CASES], ids=[one[0] for one in CASES])
def test_no_redirect_leads_where_it_may_not(endpoint: str, target: str, follow: bool) -> None:
    asked: list[str] = []
    with client(endpoint, sending(endpoint, target, asked), follow) as one, pytest.raises(HubError):
        one.get(f"{endpoint}/api/models")
    assert len(asked) == 1


@pytest.mark.parametrize("method", ["GET", "PUT"])
@pytest.mark.parametrize(
    "target", ["https://127.0.0.1/x", "http://hub.test/x", "http://169.254.169.254/latest"]
)
def test_no_address_that_an_answer_names_is_asked(method: str, target: str) -> None:
    """An upload's address, or the next page's, comes in an answer and is a request of its own."""
    asked: list[str] = []
    with client("https://hub.test", sending("", "", asked), True) as one, pytest.raises(HubError):
        one.request(method, target)
    assert not asked


@pytest.mark.parametrize(("endpoint", "target"), FINE)
def test_what_is_no_attack_is_followed(endpoint: str, target: str) -> None:
    asked: list[str] = []
    with client(endpoint, sending(endpoint, target, asked), True) as one:
        assert one.get(f"{endpoint}/api/models").status_code == 200
    assert len(asked) == 2


def test_a_xet_store_is_an_address_too() -> None:
    def said(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"X-Xet-Cas-Url": "http://127.0.0.1:9"})

    with client("https://hub.test", said, True) as one, pytest.raises(HubError):
        one.get("https://hub.test/api/models/a/b/xet-read-token/main")


def test_the_pipelines_own_client_asks_nobody_by_http_whom_nobody_named() -> None:
    with pytest.raises(HubError, match=r"'http://hub\.test' is asked without encryption"):
        hub_at("http://hub.test")


def test_the_pipelines_own_client_does_not_come_back_to_this_machine(
    writer: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Hub elsewhere, which a proxy stands for, answers every request with an address of this machine."""
    asked = []

    def moved(answer: Answer) -> Answer:
        asked.append(answer.path)
        return Answer(answer.method, answer.path, 302, {"location": f"{writer.endpoint}/api/x"}, b"").holding(
            b""
        )

    with between(writer.endpoint, moved) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        hub = hub_at("http://hub.test", plain_http=("hub.test",))
        for ask in (
            lambda: hub.info("tester/tiny", "model"),
            lambda: hub.download("tester/tiny", "model", "a" * 40, everything),
        ):
            with pytest.raises(HubError, match="which is this machine") as caught:
                ask()
            assert not isinstance(caught.value, HubUnreachable)
    assert [one.startswith("http://hub.test/") for one in asked] == [True, True]
