"""Project keys: whose a request is. Of a secret only its SHA-256 is known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple

from quotadeck.domain.commands import Field
from quotadeck.domain.layers import Layers
from quotadeck.domain.project_key import ProjectKey
from quotadeck.domain.refusals import (
    KeyMalformed,
    KeyMissing,
    KeyRevoked,
    KeysDiffer,
    KeyUnknown,
    ProjectNotOfKey,
    ProjectsDiffer,
)
from quotadeck.domain.subject import Subject
from quotadeck.gateway.connection.exchange import Header

MIN_SECRET_CHARS = 32
_OWS = b" \t"
_OTHER_PLACES = (b"x-api-key", b"api-key")
"""Where Anthropic's SDKs send a key, and Azure's."""
_WHOSE = {
    b"authorization": KeysDiffer,
    b"x-api-key": KeysDiffer,
    b"api-key": KeysDiffer,
    b"x-project-id": ProjectsDiffer,
    b"openai-project": ProjectsDiffer,
}
_LISTED = frozenset({b"anthropic-beta"})
"""Which may be in several lines as well as in one (RFC 9110, 5.3)."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key: its id, and the projects that it serves, the first of them by default."""

    id: str
    projects: tuple[str, ...]


class Caller(NamedTuple):
    """Who asks: a key, and the project for which it asks."""

    key_id: str
    project: str


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The keys in force, and the revoked ones, by the SHA-256 (hex) of their secret."""

    by_hash: Mapping[str, Key]
    revoked: Mapping[str, Key] = field(default_factory=dict)

    def serving(self) -> Mapping[str, tuple[str, ...]]:
        """The projects of each living key, by its id."""
        return {key.id: key.projects for key in self.by_hash.values()}

    def serves(self, project: str) -> bool:
        """Whether a living key asks for the project."""
        return any(project in key.projects for key in self.by_hash.values())

    def projects_of(self, key_id: str) -> tuple[str, ...]:
        """The projects that a key serves, or served."""
        keys = (*self.by_hash.values(), *self.revoked.values())
        return next((key.projects for key in keys if key.id == key_id), ())

    def caller(self, headers: Mapping[bytes, bytes], known: Mapping[str, object]) -> Caller:
        """The caller of a request with these headers, `by_name`, among the ``known`` projects.

        Raises KeyMissing, KeyMalformed, KeysDiffer, KeyRevoked, KeyUnknown or ProjectNotOfKey.
        """
        digest = sha256(_presented(headers)).hexdigest()
        key = self.by_hash.get(digest)
        header = _named_by(headers, key)
        if key is not None and key.projects and not header:
            usual = key.projects[0]
            if usual in known:  # as with nearly all
                return Caller(key.id, usual)
        key = key or self.revoked.get(digest)
        projects = tuple(project for project in key.projects if project in known) if key else ()
        if key is None or not projects:
            raise KeyUnknown
        wanted = headers.get(header, b"").strip(_OWS).decode("latin-1")
        if digest not in self.by_hash:
            raise KeyRevoked(key.id, wanted if wanted in projects else projects[0])
        if wanted and wanted not in projects:
            raise ProjectNotOfKey(wanted, projects, key.id)
        return Caller(key.id, wanted or projects[0])


def key_ring(
    layers: Layers, now_us: int, ring: KeyRing | None = None, only: Subject | None = None
) -> KeyRing:
    """The keys that the command log holds in force, and those that it took out of force.

    With ``only`` just that key is read again, and ``ring`` holds the others.
    """
    changed = ""
    if ring is None or only is None:
        ring = KeyRing({})
        subjects = [subject for subject, name in layers.by_slot if name == Field.KEY]
    else:
        subjects, changed = [only], only.name
    by_hash = {digest: key for digest, key in ring.by_hash.items() if key.id != changed}
    revoked = {digest: key for digest, key in ring.revoked.items() if key.id != changed}
    for subject in subjects:
        living = layers.in_force(subject, Field.KEY, now_us).value
        for entry in layers.by_slot.get((subject, Field.KEY), ()):
            key = entry.value
            if isinstance(key, ProjectKey):
                ring_of = by_hash if key == living else revoked
                ring_of[key.sha256] = Key(subject.name, key.projects)
    return KeyRing(by_hash, revoked)


def by_name(headers: Sequence[Header]) -> dict[bytes, bytes]:
    """The headers (lower case) by name, the last of a name where that makes no difference.

    Raises KeysDiffer or ProjectsDiffer where it is unclear whose request this is: a proxy that
    looks at the first of two headers would have let another caller in than the one we take.
    """
    named = dict(headers)
    if len(named) != len(headers):
        for name, value in headers:
            if name in _WHOSE and value.strip(_OWS) != named[name].strip(_OWS):
                raise _WHOSE[name]
        for name in _LISTED & named.keys():
            named[name] = b", ".join([value for each, value in headers if each == name])
    return named


def _named_by(headers: Mapping[bytes, bytes], key: Key | None) -> bytes:
    """The header that names the project; empty where it is the key's first.

    OpenAI's SDKs send one of their own, also where it means nothing here: only of a key that
    serves several can it choose one.
    """
    if b"x-project-id" in headers:
        return b"x-project-id"
    several = key is not None and len(key.projects) > 1
    return b"openai-project" if several and b"openai-project" in headers else b""


def _presented(headers: Mapping[bytes, bytes]) -> bytes:
    scheme, _, secret = headers.get(b"authorization", b"").strip(_OWS).partition(b" ")
    if scheme and scheme.lower() != b"bearer":
        raise KeyMalformed("the Authorization header does not read 'Bearer <key>'")
    secret = secret.strip(_OWS)
    for name in _OTHER_PLACES:
        other = headers.get(name, b"").strip(_OWS)
        if secret and other and secret != other:
            raise KeysDiffer
        secret = secret or other
    if not secret:
        raise KeyMissing
    if len(secret) < MIN_SECRET_CHARS:
        raise KeyMalformed(f"the key is shorter than {MIN_SECRET_CHARS} characters")
    return secret
