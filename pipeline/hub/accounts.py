"""Whose token it is, and which repositories it may write, as far as `/api/whoami-v2` says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# A fine-grained token lists what it may do with whom; these are the two names of writing to a repository.
_WRITING = {"repo.write", "repo.content.write"}
_ROLES_THAT_WRITE = {"write", "admin", "contributor"}


@dataclass(frozen=True)
class Account:
    """Whom the token belongs to; a role of `read` cannot release.

    Attributes:
        name: The user, who is a namespace too.
        role: Of the token: read, write or fineGrained.
        organizations: The user's role in each; None where the Hub does not say.
        writable: What a fine-grained token may write: namespaces, and repositories as OWNER/NAME; None for
            another token, which may write what its user may.
    """

    name: str
    role: str
    organizations: Mapping[str, str] | None = None
    writable: frozenset[str] | None = None

    def refusal(self, repo: str) -> str | None:
        """Return why this token may not write a model repository; None where nothing speaks against it."""
        owner = repo.partition("/")[0]
        if self.role == "read":
            return f"the token of {self.name} may only read; wanted one that may write, to release"
        if self.writable is not None:
            if self.writable & {owner, repo}:
                return None
            may = ", ".join(sorted(self.writable)) or "no repository"
            return (
                f"the fine-grained token of {self.name} may write {may}; wanted {repo} or {owner}. Add "
                '"Write access to contents/settings" of it to the token'
            )
        if self.organizations is None or owner == self.name:
            return None
        role = self.organizations.get(owner)
        if role is None:
            known = ", ".join(sorted(self.organizations)) or "none"
            return f"{self.name} is no member of {owner} (but of: {known}); wanted one who may write {repo}"
        if role not in _ROLES_THAT_WRITE:
            return f"{self.name} has the role {role} in {owner}; wanted one that may write {repo}"
        return None


def account(answer: Mapping[str, Any]) -> Account:
    """Read the Hub's answer; what is not there in the form that is known says nothing."""
    token = _mapping(_mapping(answer.get("auth")).get("accessToken"))
    return Account(
        str(answer.get("name")),
        str(token.get("role", "unknown")),
        _organizations(answer.get("orgs")),
        _writable(token["fineGrained"]) if isinstance(token.get("fineGrained"), Mapping) else None,
    )


def _organizations(listed: Any) -> dict[str, str] | None:
    if not isinstance(listed, list):
        return None
    found = {}
    for one in map(_mapping, listed):
        # Where a role is not given, membership is all that is known.
        found[str(one.get("name"))] = str(one.get("roleInOrg") or "write")
    return found


def _writable(scopes: Mapping[str, Any]) -> frozenset[str]:
    listed = scopes.get("scoped")
    found = set()
    for scope in map(_mapping, listed if isinstance(listed, Sequence) else ()):
        permissions = scope.get("permissions")
        if isinstance(permissions, list) and _WRITING & set(map(str, permissions)):
            found.add(str(_mapping(scope.get("entity")).get("name")))
    return frozenset(found)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
