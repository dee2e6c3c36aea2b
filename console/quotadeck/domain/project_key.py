"""A project key as the command log holds it: never the secret, which nobody keeps."""

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
