"""A project key as the command log holds it: never the secret, which nobody keeps."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from quotadeck.domain.text import clean


@dataclass(frozen=True, slots=True)
class ProjectKey:
    """Whose requests the holder of a secret may make.

    ``sha256`` is that of the secret, in hex; it is empty where a key is only told of. The first of
    ``projects`` is the one that a request is taken for.
    """

    sha256: str
    projects: tuple[str, ...]
    label: str = ""

    @property
    def shown(self) -> "ProjectKey":
        """As somebody asked for it, made safe to show, and no longer than a key's own facts are."""
        projects = tuple(clean(name, _MAX_CHARS) for name in self.projects[:_SHOWN])
        return ProjectKey(clean(self.sha256, _MAX_CHARS), projects, clean(self.label, _MAX_CHARS))

    @classmethod
    def read(cls, content: object) -> "ProjectKey | None":
        """From a JSON object of the fields; None where it is anything else."""
        if not isinstance(content, Mapping) or not {"projects"} <= set(content) <= _FIELDS:
            return None
        sha256, label = content.get("sha256", ""), content.get("label", "")
        projects = content["projects"]
        texts = [sha256, label, *projects] if isinstance(projects, list) else [None]
        if not all(isinstance(text, str) for text in texts):
            return None
        return cls(sha256, tuple(projects), label)


_SHOWN: Final = 5
_MAX_CHARS: Final = 64
_FIELDS: Final = {"sha256", "projects", "label"}
