"""A project key as the command log holds it: a JSON text with its SHA-256, projects and label."""

import json
import re
from collections.abc import Iterable
from typing import Final, Literal

from quotadeck.domain.catalogue import Catalogue, nearest
from quotadeck.domain.commands import Value
from quotadeck.domain.text import clean

MAX_LABEL: Final = 40
MAX_PROJECTS: Final = 50
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{1,63}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_SHAPE: Final = '{"sha256": 64 hex digits, "projects": [ids], "label": text}'


class KeyInvalid(ValueError):
    """A key that cannot be added; the text says which part and what is allowed."""

    def __init__(
        self, text: str, code: Literal["invalid", "not_found", "conflict"] = "invalid"
    ) -> None:
        super().__init__(text)
        self.code: Literal["invalid", "not_found", "conflict"] = code


def key_value(
    name: str, value: Value | None, catalogue: Catalogue, others: Iterable[Value | None]
) -> str:
    """The canonical JSON text of a new key. Raises KeyInvalid.

    ``others`` are the values of the keys in force: the same secret under two ids would let a
    revoked key live on.
    """
    if not _ID.fullmatch(name):
        raise KeyInvalid(
            f"{clean(name, 80)!r} is not a key's id: 2 to 64 letters, digits, '_', '.' or '-'"
        )
    facts = _facts(value)
    digest, projects, label = facts["sha256"], facts["projects"], facts.get("label", "")
    if not isinstance(digest, str) or not _SHA256.fullmatch(digest):
        raise KeyInvalid("the key's sha256 is not 64 lower-case hex digits")
    if not isinstance(label, str) or len(label) > MAX_LABEL:
        raise KeyInvalid(f"the key's label is not a text of at most {MAX_LABEL} characters")
    if any(json.loads(str(other))["sha256"] == digest for other in others):
        raise KeyInvalid("a key in force has this secret already: make a new secret", "conflict")
    tidy = {
        "sha256": digest,
        "projects": _projects(projects, catalogue),
        "label": clean(label, MAX_LABEL).strip(),
    }
    return json.dumps(tidy, ensure_ascii=False, separators=(",", ":"))


def _facts(value: Value | None) -> dict[str, object]:
    try:
        facts = json.loads(value) if isinstance(value, str) else None
    except (ValueError, RecursionError):
        facts = None
    if not isinstance(facts, dict) or not {"sha256", "projects"} <= set(facts):
        raise KeyInvalid(f"a key's value is a JSON text {_SHAPE}")
    extra = set(facts) - {"sha256", "projects", "label"}
    if extra:
        raise KeyInvalid(f"a key has no {clean(min(extra), 80)!r}: its value is {_SHAPE}")
    return facts


def _projects(asked: object, catalogue: Catalogue) -> list[str]:
    if (
        not isinstance(asked, list)
        or not 1 <= len(asked) <= MAX_PROJECTS
        or not all(isinstance(name, str) for name in asked)
        or len(set(asked)) != len(asked)
    ):
        raise KeyInvalid(f"a key lists 1 to {MAX_PROJECTS} different project ids")
    for name in asked:
        if name not in catalogue.projects:
            near = nearest(name, catalogue.projects)
            hint = f"did you mean {' or '.join(near)}?" if near else "add it to the config first"
            raise KeyInvalid(f"there is no project {clean(name, 80)!r}: {hint}", "not_found")
    return asked
