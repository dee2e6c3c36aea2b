"""A project key as the command log holds it: never the secret, which nobody keeps."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ProjectKey:
    """Whose requests the holder of a secret may make.

    ``sha256`` is that of the secret, in hex; it is empty where a key is only told of. The first of
    ``projects`` is the one that a request is taken for.
    """

    sha256: str
    projects: tuple[str, ...]
    label: str = ""

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


_FIELDS = {"sha256", "projects", "label"}
