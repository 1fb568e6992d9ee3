"""Which host is this machine, however it is spelt (`tests/hostile/test_addresses.py` sends requests on)."""

import pytest

from pipeline.errors import HubError
from pipeline.hub.addresses import Addresses, is_loopback

HERE = [
    "127.0.0.1", "127.9.9.9", "localhost", "LOCALHOST.", "a.localhost", "::1", "[::1]", "0.0.0.0", "::",
    "::ffff:127.0.0.1", "127.1", "2130706433", "0x7f.1", "0177.0.0.1",
]  # fmt: skip


@pytest.mark.parametrize("host", HERE)
def test_addresses_know_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["huggingface.co", "10.0.0.1", "localhost.evil.test", "127.0.0.1.evil.test", "ü"]
)
def test_addresses_know_another(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize("endpoint", ["http://[::1", "http://hub.test", "ftp://127.0.0.1"])
def test_addresses_refuse_an_endpoint(endpoint: str) -> None:
    with pytest.raises(HubError, match=r"hub\.endpoint"):
        Addresses(endpoint, ())


def test_addresses_take_a_host_that_is_named() -> None:
    Addresses("http://Hub.test:8000", ("hub.test",))
