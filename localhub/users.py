"""Who may ask: users with a read or a write token, and what each may do."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, cast, get_args

from localhub.errors import Forbidden, InvalidCredentials, LoginRequired

Role = Literal["read", "write"]

NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?")
TOKEN = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True)
class User:
    """One token and whose it is; a person with two tokens is two of these."""

    name: str
    role: Role
    token: str = field(repr=False)


def parse_user(text: str) -> User:
    """Read `NAME:ROLE:TOKEN`.

    Raises:
        ValueError: The text is not of that form. The message never contains the token.
    """
    name, _, rest = text.partition(":")
    role, _, token = rest.partition(":")
    shown = f"{name}:{role}:<token>" if token else "something without three parts"
    if not NAME.fullmatch(name) or role not in get_args(Role) or not TOKEN.fullmatch(token):
        raise ValueError(
            f"a user is NAME:ROLE:TOKEN, with ROLE read or write and a token without spaces; got {shown}"
        )
    return User(name, cast(Role, role), token)


class Users:
    """The users of one server, found by their token."""

    def __init__(self, users: Iterable[User]) -> None:
        self._by_digest: dict[bytes, User] = {}
        for user in users:
            digest = _digest(user.token)
            if self._by_digest.get(digest, user) != user:
                raise ValueError(f"{user.name} and {self._by_digest[digest].name} have the same token")
            self._by_digest[digest] = user

    def is_name(self, name: str) -> bool:
        """Say whether a user has this name."""
        return any(user.name == name for user in self._by_digest.values())

    def authenticate(self, authorization: str | None) -> User | None:
        """Return who sent this `Authorization` header, or None where there was none.

        Raises:
            InvalidCredentials: A token that no user has, or a header that holds no token.
        """
        if not authorization:
            return None
        scheme, _, token = authorization.partition(" ")
        user = self._by_digest.get(_digest(token.strip()))
        if scheme.lower() != "bearer" or user is None:
            raise InvalidCredentials
        return user


def require_login(user: User | None) -> User:
    """Return the user, or refuse a request without a token."""
    if user is None:
        raise LoginRequired("Invalid username or password.")
    return user


def require_write(user: User | None) -> User:
    """Return the user if the token may write, or refuse."""
    known = require_login(user)
    if known.role != "write":
        raise Forbidden(
            f'the token of {known.name} has the role "{known.role}", this needs a token with the role "write"'
        )
    return known


def whoami(user: User) -> dict[str, object]:
    """Describe a user as `/api/whoami-v2` does.

    It lists no organizations (`orgs`): whoever may write here may write in every namespace, also in one that
    has no repository yet, and a list would deny that.
    """
    return {
        "type": "user",
        "id": hashlib.sha1(user.name.encode(), usedforsecurity=False).hexdigest()[:24],
        "name": user.name,
        "fullname": user.name,
        "isPro": False,
        "auth": {"type": "access_token", "accessToken": {"displayName": "localhub", "role": user.role}},
    }


def _digest(token: str) -> bytes:
    # Looking up a digest takes the same time for a token that is almost right as for any other.
    return hashlib.sha256(token.encode()).digest()
