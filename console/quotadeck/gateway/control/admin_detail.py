"""What the admin API tells of one subject, taken apart out of the store."""

from collections.abc import Mapping

from quotadeck.domain.commands import Field
from quotadeck.domain.price import Price
from quotadeck.domain.subject import Subject
from quotadeck.domain.text import clean
from quotadeck.gateway.control.admin_error import AdminRefusal
from quotadeck.gateway.control.desk import Desk
from quotadeck.store import Reader
from quotadeck.store.reading.routed import Ways
from quotadeck.wire.objects import dump


async def project(asked: Mapping[str, str], reader: Reader, now_us: int) -> bytes:
    """``GET project?id=``; of a project that nothing is recorded of, nothing."""
    return dump(await reader.project_detail(_one(asked), now_us))


async def models(asked: Mapping[str, str], reader: Reader, desk: Desk, now_us: int) -> bytes:
    """``GET models``; another target is priced as the config has it."""
    for name in asked:
        raise AdminRefusal(400, "invalid", "admin.no_parameter.none", name=clean(name, 80))
    return dump(await reader.routed(now_us, _ways(desk, now_us)))


def _ways(desk: Desk, now_us: int) -> Ways:
    found = dict[str, tuple[str, Mapping[str, Price]]]()
    for model, route in desk.catalogue.routes.items():
        forced = desk.layers.in_force(Subject.model(model), Field.TARGET, now_us).value
        serving = next((one for one in route.targets if one == forced), route.targets[0])
        prices = {name: desk.catalogue.targets[name].price for name in route.targets}
        found[model] = serving, prices
    return found


def _one(asked: Mapping[str, str]) -> str:
    for name in asked:
        if name != "id":
            raise AdminRefusal(
                400, "invalid", "admin.no_parameter", name=clean(name, 80), allowed=("id",)
            )
    if not asked.get("id"):
        raise AdminRefusal(400, "invalid", "admin.parameter_missing", name="id")
    return asked["id"]
