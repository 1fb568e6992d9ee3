"""Token, certificates, proxies and cache of this machine are tried, and an unusable one is named."""

import stat
from pathlib import Path

import pytest
from huggingface_hub import constants

from pipeline.errors import HubDenied, InvalidWorkspace
from pipeline.hub import surroundings


@pytest.mark.parametrize("secret", ["hf_şifre", "hf_a b", "hf_\x1b[0m"])
def test_surroundings_refuse_a_token_that_cannot_be_sent_and_never_show_it(
    monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    monkeypatch.setenv("HF_TOKEN", secret)
    with pytest.raises(
        HubDenied, match=r"^the token in the variable HF_TOKEN has at place \d+ of \d+"
    ) as caught:
        surroundings.token()
    assert secret not in str(caught.value)


def test_surroundings_name_the_file_of_a_token_that_cannot_be_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    assert surroundings.token() is None
    (tmp_path / "token").write_bytes(b"\xff\xfe")
    with pytest.raises(HubDenied, match=r"^the token in the file .*token cannot be read"):
        surroundings.token()


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("HTTPS_PROXY", "socks5://user:secret@host:1", "HTTPS_PROXY is 'socks5://host:1'"),
        ("https_proxy", "http://:80", "https_proxy is 'http://:80'"),
        ("HTTP_PROXY", "ftp://host:1", "HTTP_PROXY is 'ftp://host:1'"),
        ("ALL_PROXY", "http://ho st:1", "ALL_PROXY is 'http://ho st:1'"),
        ("HTTP_PROXY", "http://host:port", "HTTP_PROXY is 'http://host:port'"),
        ("SSL_CERT_FILE", "/nowhere.pem", "SSL_CERT_FILE is '/nowhere.pem', which cannot be used"),
    ],
)
def test_surroundings_name_what_the_client_cannot_use(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, shown: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidWorkspace) as caught:
        surroundings.refuse_unusable()
    assert str(caught.value).startswith(shown)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("value", ["http://host:3128", "host:3128", "http://user:secret@host:3128"])
def test_surroundings_take_a_proxy_that_works(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", value)
    surroundings.refuse_unusable()


def test_surroundings_write_into_a_folder_and_leave_nothing(tmp_path: Path) -> None:
    folder = surroundings.writable(tmp_path / "new", "x")
    assert stat.S_ISDIR(folder.stat().st_mode)
    assert not list(folder.iterdir())
    (tmp_path / "file").touch()
    with pytest.raises(InvalidWorkspace, match=r"^nothing can be written to .*file/below: Not a directory"):
        surroundings.writable(tmp_path / "file" / "below", "x")
