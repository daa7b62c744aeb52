"""Callers: the owner of an API key or token, and the crons that this owner may see.

Pure: the files with the keys were read already, and the header is an argument. No sentence quotes a key.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from graphcron.facade.errors import RestError
from graphcron.kube.resources import Manifest
from graphcron.resource.identity import OWNER_LABEL, owner_of

API_KEY_HEADER = "x-api-key"
"""As LangGraph's SDKs send it."""

KEY_LENGTH = 16
"""Characters of the shortest key that is taken. Digests are not salted, so a key must be too long to be guessed."""

_OWNER = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
"""Kubernetes' syntax of a label value: the owner becomes one."""

_KEY = re.compile(r"[!-~]+")
"""What an HTTP header carries unchanged, without spaces."""

CLOSED = (
    "This GraphCron facade serves no crons yet, since nobody has said who may use them. Its administrator sets "
    "facade.auth.mode of the Helm chart: apiKeys (with facade.auth.existingSecret), tokenReview, or open for everybody"
)
NO_KEY = "No API key was sent: send yours in the x-api-key header (in Python: get_client(url=…, api_key=…))"
SEVERAL_KEYS = "Several x-api-key headers were sent: send one"
UNKNOWN_KEY = (
    "The API key is not known here: send the whole key, one that the Secret of this GraphCron facade has (a change of "
    "the Secret takes about a minute to arrive)"
)
NO_BEARER = (
    "No Kubernetes bearer token was sent: send one in the Authorization header (in Python: get_client(url=…, "
    'headers={"Authorization": "Bearer …"}), with what `kubectl create token` prints)'
)
SEVERAL_BEARERS = "Several Authorization headers were sent: send one"
UNKNOWN_BEARER = (
    "Kubernetes does not know this bearer token, or it has expired, or is meant for another audience: send a new one"
)


class Mode(StrEnum):
    """The auth mode, by the names of the chart's `facade.auth.mode`."""

    CLOSED = ""
    """No mode is set: cron endpoints are closed."""
    API_KEYS = "apiKeys"
    TOKEN_REVIEW = "tokenReview"  # noqa: S105  no password
    """By bearer tokens of Kubernetes' users and service accounts."""
    OPEN = "open"
    """Every caller may do everything."""


@dataclass(frozen=True)
class Caller:
    """The sender of a request. `owner` is None in modes without owners."""

    owner: str | None
    sees_all: bool = False

    def may_see(self, manifest: Manifest) -> bool:
        """Whether a GraphCron exists for this caller, to be read, changed and deleted."""
        return self.sees_all or (self.owner is not None and owner_of(manifest) == self.owner)

    def own(self, manifest: Manifest) -> Manifest:
        """A new GraphCron with this caller as its owner."""
        if self.owner is None:
            return manifest
        metadata = manifest["metadata"]
        return manifest | {"metadata": metadata | {"labels": metadata.get("labels", {}) | {OWNER_LABEL: self.owner}}}


EVERYBODY = Caller(None, sees_all=True)
NOBODY = Caller(None)


@dataclass(frozen=True)
class Keys:
    """The valid API keys, as digests, each with its owner. The keys themselves are not kept."""

    digests: tuple[tuple[bytes, str], ...] = field(default=(), repr=False)

    def owner_of(self, key: str) -> str | None:
        """The owner of a key; None for an unknown one. Takes the same time for each key of the same length."""
        given, owner = digest(key), None
        for known, candidate in self.digests:
            if hmac.compare_digest(given, known):
                owner = candidate  # no break: the time would show the position of the key
        return owner


def digest(key: str) -> bytes:
    """The digest by which a key or token is recognised without being kept."""
    return hashlib.sha256(key.encode(errors="surrogateescape")).digest()


def read_keys(files: Mapping[str, bytes]) -> tuple[Keys, list[str]]:
    """The valid keys of a Secret, and a sentence for each mistake in it. A file's name is the owner, each line one key,
    so that a new key can be added before the old one is removed. Refused are an owner with an invalid name or
    without keys, a line that is no key, and a key that two owners have.
    """
    faults: list[str] = []
    owners: dict[bytes, set[str]] = {}
    for owner, content in sorted(files.items()):
        if not _OWNER.fullmatch(owner):
            faults.append(
                f"'{owner}' cannot be an owner: a name is at most 63 letters, digits, '-', '_' and '.', and begins and "
                "ends with a letter or digit"
            )
            continue
        lines = [line.strip() for line in content.decode(errors="replace").splitlines()]
        if not any(lines):
            faults.append(f"'{owner}' has no API key: put one on each line of its value, or remove it")
        for number, line in enumerate(lines, 1):
            if fault := _fault(line):
                faults.append(f"line {number} of '{owner}' {fault}")
            elif line:
                owners.setdefault(digest(line), set()).add(owner)
    for names in owners.values():
        if len(names) > 1:
            faults.append(f"{' and '.join(map(repr, sorted(names)))} have the same API key: give each its own")
    if not files:
        faults.append("it has no API keys: each key of the Secret is an owner, its value that owner's API key")
    known = tuple((hashed, min(names)) for hashed, names in owners.items() if len(names) == 1)
    return Keys(known), faults


def _fault(line: str) -> str | None:
    if line and not _KEY.fullmatch(line):
        return "is no API key: only ASCII letters, digits and signs can be sent"
    if 0 < len(line) < KEY_LENGTH:
        return (
            f"is too short for an API key: use at least {KEY_LENGTH} characters, such as `openssl rand -hex 24` prints"
        )
    return None


def identify(mode: Mode, keys: Keys, given: Sequence[str]) -> Caller:
    """The caller of these x-api-key headers. Raises RestError 401 in mode apiKeys without a known key. In mode
    tokenReview the caller comes from Kubernetes (`reviewed`), not from here."""
    match mode:
        case Mode.OPEN:
            return EVERYBODY
        case Mode.CLOSED | Mode.TOKEN_REVIEW:
            return NOBODY
        case Mode.API_KEYS:
            if not given:
                raise RestError(401, NO_KEY)
            if len(given) > 1:
                # The Agent Server might read another one of them than we do.
                raise RestError(401, SEVERAL_KEYS)
            owner = keys.owner_of(given[0])
            if owner is None:
                raise RestError(401, UNKNOWN_KEY)
            return Caller(owner)


def read_bearer(given: Sequence[str]) -> str:
    """The token in these Authorization headers (RFC 6750, 2.1). Raises RestError 401 unless there is exactly one."""
    if len(given) > 1:
        raise RestError(401, SEVERAL_BEARERS)
    scheme, _, token = given[0].strip().partition(" ") if given else ("", "", "")
    if scheme.lower() != "bearer" or not _KEY.fullmatch(token.strip()):
        raise RestError(401, NO_BEARER)
    return token.strip()


def token_review(token: str, audience: str | None) -> Manifest:
    """The TokenReview of a token (authentication.k8s.io/v1)."""
    spec = {"token": token} | ({"audiences": [audience]} if audience else {})
    return {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": spec}


def reviewed(answer: Manifest, audience: str | None) -> Caller:
    """The caller in a TokenReview's answer. Raises RestError 401 for a token that is invalid or not meant for that
    audience: an apiserver that ignores audiences returns none (TokenReviewStatus)."""
    status = answer.get("status", {})
    name = status.get("user", {}).get("username")
    if not status.get("authenticated") or not name or (audience and audience not in status.get("audiences", [])):
        raise RestError(401, UNKNOWN_BEARER)
    return Caller(owner_of_user(name))


def owner_of_user(name: str) -> str:
    """The label value for a user of Kubernetes, whose name may have any characters and length: readable, and by its
    digest no other user's."""
    readable = re.sub(r"[^A-Za-z0-9]+", "-", name.removeprefix("system:serviceaccount:")).strip("-")[:40].strip("-")
    return f"{readable or 'user'}-{digest(name).hex()[:20]}"


def check_crons(caller: Caller) -> None:
    """Raises RestError 403 when the cron endpoints are closed."""
    if caller == NOBODY:
        raise RestError(403, CLOSED)
