"""What the admin API tells of one subject, taken apart out of the store."""

from collections.abc import Mapping

from quotadeck.domain.text import clean
from quotadeck.gateway.control.admin_error import AdminRefusal
from quotadeck.store import Reader
from quotadeck.wire.objects import dump


async def project(asked: Mapping[str, str], reader: Reader, now_us: int) -> bytes:
    """``GET project?id=``; of a project that nothing is recorded of, nothing."""
    return dump(await reader.project_detail(_one(asked), now_us))


def _one(asked: Mapping[str, str]) -> str:
    for name in asked:
        if name != "id":
            raise AdminRefusal(
                400, "invalid", "admin.no_parameter", name=clean(name, 80), allowed=("id",)
            )
    if not asked.get("id"):
        raise AdminRefusal(400, "invalid", "admin.parameter_missing", name="id")
    return asked["id"]
