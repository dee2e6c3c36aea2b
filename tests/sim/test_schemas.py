"""What the simulator makes of a schema satisfies it: pydantic, which wrote it, is the judge."""

import datetime
import enum
import re
from ipaddress import IPv4Address
from random import Random
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import AnyUrl, BaseModel, ConfigDict, Field, TypeAdapter

from quotadeck.sim.errors import RefusedError
from quotadeck.sim.schemas import satisfying


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    left: "Strict | None" = None
    rest: "list[Strict]"


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: Annotated[int, Field(ge=1, lt=10)]


class Dog(BaseModel):
    kind: Literal["dog"]
    good: bool


class Whole(BaseModel):
    cat: Cat
    pets: list[Cat | Dog]
    note: Annotated[str | None, Field(description="why")] = None
    score: float = 0.5


TYPES: dict[str, Any] = {
    "enum": Colour,
    "recursive": Strict,
    "union": Annotated[Cat | Dog, Field(discriminator="kind")],
    "optional": int | None,
    "words": Annotated[str, Field(min_length=40, max_length=45)],
    "short": Annotated[str, Field(max_length=3)],
    "pattern": Annotated[str, Field(pattern=r"^[A-Z]{3}-\d+$")],
    "between": Annotated[float, Field(gt=0, lt=1)],
    "multiple": Annotated[int, Field(ge=100, le=200, multiple_of=25)],
    "above": Annotated[int, Field(gt=5, lt=7)],
    "negative": Annotated[int, Field(lt=0)],
    "list": Annotated[list[int], Field(min_length=3, max_length=4)],
    "set": Annotated[set[Annotated[int, Field(ge=0, le=3)]], Field(min_length=3)],
    "tuple": tuple[int, str, bool],
    "mapping": dict[str, list[float]],
    "date": datetime.date,
    "time": datetime.datetime,
    "span": datetime.timedelta,
    "uuid": UUID,
    "url": AnyUrl,
    "address": IPv4Address,
    "anything": Any,
    "whole": Whole,
}


@pytest.mark.parametrize("name", TYPES)
def test_what_is_made_is_valid_for_every_seed(name: str) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(TYPES[name])
    schema = adapter.json_schema()
    made = [satisfying(schema, Random(seed)) for seed in range(40)]
    for value in made:
        adapter.validate_python(value) if name == "enum" else adapter.validate_json(_json(value))
    assert made == [satisfying(schema, Random(seed)) for seed in range(40)]
    assert name == "above" or len({_json(value) for value in made}) > 1


def _json(value: Any) -> bytes:
    return TypeAdapter(Any).dump_json(value)


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({"$ref": "#/$defs/gone"}, "refers to #/\\$defs/gone"),
        ({"$ref": "#"}, "refers to itself"),
        ({"type": "colour"}, "unknown type 'colour'"),
        ({"type": "string", "pattern": "^never this$"}, "pattern that cannot be satisfied"),
        ({"type": "integer", "minimum": 2, "maximum": 1}, "nothing between them"),
        ({"items": {"const": 1}, "minItems": 2, "uniqueItems": True}, "more different items"),
        ({"properties": {"a": {"$ref": "#"}}, "required": ["a"]}, "never ends"),
        ({"properties": {"a": False}, "required": ["a"]}, "schema.a allows nothing"),
    ],
)
def test_what_cannot_be_satisfied_is_refused_with_its_place(schema: Any, why: str) -> None:
    with pytest.raises(RefusedError) as refused:
        satisfying(schema, Random(1))
    assert refused.value.error.status == 400
    assert re.search(why, refused.value.error.message)
