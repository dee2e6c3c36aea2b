"""A JSON value that satisfies a schema: what a model with structured output would answer.

It knows what the official SDKs' schema makers write; what it cannot satisfy is refused as a
provider refuses a schema, with its place.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from quotadeck.sim.errors import RefusedError, bad_request
from quotadeck.sim.words import WORDS

DEEP = 5
"""From here on nothing is added that need not be there: schemas may go round."""
TOO_DEEP = 60
"""A schema that is still not satisfied there never ends."""
RANGE = 100
"""How far numbers go from the bound that a schema states, or from zero."""
TRIES = 64
FORMATS = {
    "date": "2026-11-{:02}",
    "time": "09:{:02}:00Z",
    "date-time": "2026-11-26T09:{:02}:00Z",
    "duration": "PT{}M",
    "email": "oncall{}@example.com",
    "uri": "https://example.com/{}",
    "hostname": "host{}.example.com",
    "ipv4": "192.0.2.{}",
    "ipv6": "2001:db8::{}",
    "uuid": "0b9c7f0e-5a52-4f0a-9d2e-1f6a3c4d5e{:02}",
}
"""By the format's name; a number from 1 to 28 goes in."""
SHAPED = (
    "a",
    "A",
    "abc",
    "ABC",
    "7",
    "42",
    "2026",
    "12345",
    "AB-42",
    "ABC-123",
    "XYZ-7",
    "a_b",
    "+1 555 0100",
)
"""Tried against a pattern, beside the words and the formats."""

Schema = Any


def satisfying(schema: Schema, dice: Random) -> Any:
    """A value. Raises the 400 of a schema that this simulator cannot satisfy."""
    return _Maker(schema, dice).value(schema, "schema", 0)


@dataclass(slots=True)
class _Maker:
    root: Schema
    dice: Random

    def value(self, schema: Schema, at: str, depth: int) -> Any:
        """Anything that the schema at this place allows."""
        if depth > TOO_DEEP:
            raise _cannot(at, "never ends")
        if schema is True or schema == {}:
            return self._words()
        if not isinstance(schema, Mapping):
            raise _cannot(at, "allows nothing")
        schema = self._whole(schema, at, depth)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self.dice.choice(schema["enum"])
        options = schema.get("anyOf") or schema.get("oneOf")
        if options:
            rest = {name: each for name, each in schema.items() if name not in ("anyOf", "oneOf")}
            picked = self._option(options, depth)
            return self.value(_merged(rest, picked), at, depth + 1)
        kind = self._kind(schema, depth)
        if kind not in _KINDS:
            raise _cannot(at, f"has the unknown type {kind!r}")
        return _KINDS[kind](self, schema, at, depth)

    def _whole(self, schema: Any, at: str, depth: int) -> Any:
        """With what it refers to, and all of its parts, in place."""
        if not isinstance(schema, Mapping) or not {"$ref", "allOf"} & schema.keys():
            return schema
        if depth > TOO_DEEP:
            raise _cannot(at, "refers to itself")
        whole = {name: each for name, each in schema.items() if name not in ("$ref", "allOf")}
        parts = [*schema.get("allOf", ())]
        if "$ref" in schema:
            parts.append(self._found(str(schema["$ref"]), at))
        for part in parts:
            whole = _merged(self._whole(part, at, depth + 1), whole)
        return whole

    def _found(self, reference: str, at: str) -> Any:
        found = self.root
        for name in reference.removeprefix("#").split("/")[1:]:
            found = found.get(name) if isinstance(found, Mapping) else None
        if found is None or not reference.startswith("#"):
            raise _cannot(at, f"refers to {reference}, which is not there")
        return found

    def _option(self, options: list[Any], depth: int) -> Any:
        if depth < DEEP:
            return self.dice.choice(options)
        return min(options, key=lambda option: ("$ref" in option, option.get("type") != "null"))

    def _kind(self, schema: Mapping[str, Any], depth: int) -> Any:
        kind = schema.get("type")
        if isinstance(kind, list):
            return "null" if depth >= DEEP and "null" in kind else self.dice.choice(kind)
        inside = {"properties": "object", "additionalProperties": "object", "items": "array"}
        return kind or next((inside[name] for name in inside if name in schema), "string")

    def object(self, schema: Mapping[str, Any], at: str, depth: int) -> dict[str, Any]:
        """All that is required, and some of the rest."""
        properties, required = schema.get("properties") or {}, schema.get("required") or ()
        made = {
            name: self.value(each, f"{at}.{name}", depth + 1)
            for name, each in properties.items()
            if name in required or (depth < DEEP and self.dice.random() < 0.5)
        }
        others = schema.get("additionalProperties", not properties)
        fewest = max(schema.get("minProperties", 0), int(not properties and depth < DEEP))
        while others is not False and len(made) < fewest:
            made[f"key{len(made) + 1}"] = self.value(others, f"{at}.*", depth + 1)
        return made

    def array(self, schema: Mapping[str, Any], at: str, depth: int) -> list[Any]:
        """As many as are needed, and a few more."""
        made = [
            self.value(each, f"{at}[{place}]", depth + 1)
            for place, each in enumerate(schema.get("prefixItems") or ())
        ]
        items = schema.get("items", not made)
        fewest = max(schema.get("minItems", 0), int(not made and depth < DEEP))
        most = min(schema.get("maxItems", fewest + 2), fewest + (2 if depth < DEEP else 0))
        length = self.dice.randint(min(fewest, most), most) if items is not False else 0
        for _ in range(TRIES * length):
            if len(made) >= length:
                break
            more = self.value(items, f"{at}[]", depth + 1)
            if not schema.get("uniqueItems") or more not in made:
                made.append(more)
        if len(made) < schema.get("minItems", 0):
            raise _cannot(at, "wants more different items than could be made")
        return made

    def string(self, schema: Mapping[str, Any], at: str, depth: int) -> str:
        """Of the format, the pattern, or the length."""
        del depth
        made = FORMATS.get(schema.get("format", ""))
        if made is not None and "pattern" not in schema:
            return made.format(self.dice.randint(1, 28))
        fewest, most = schema.get("minLength", 0), schema.get("maxLength", math.inf)
        if "pattern" in schema:
            tried = [*SHAPED, *(each.format(10) for each in FORMATS.values()), self._words()]
            fits = [
                each
                for each in tried
                if fewest <= len(each) <= most and re.search(schema["pattern"], each)
            ]
            if not fits:
                raise _cannot(at, f"has a pattern that cannot be satisfied: {schema['pattern']}")
            return self.dice.choice(fits)
        text = self._words()
        while len(text) < fewest:
            text += self._words()
        return text[: int(min(most, len(text)))]

    def integer(self, schema: Mapping[str, Any], at: str, depth: int) -> int:
        """Within its bounds, and a multiple where that is asked for."""
        del depth
        low, high = _bounds(schema)
        step = schema.get("multipleOf", 1)
        first, last = math.ceil(low / step), math.floor(high / step)
        if first * step == schema.get("exclusiveMinimum"):
            first += 1
        if last * step == schema.get("exclusiveMaximum"):
            last -= 1
        if first > last:
            raise _cannot(at, "has bounds with nothing between them")
        return int(self.dice.randint(first, last) * step)

    def number(self, schema: Mapping[str, Any], at: str, depth: int) -> float:
        """Inside its bounds, in eighths of the way."""
        if "multipleOf" in schema:
            return self.integer(schema, at, depth)
        low, high = _bounds(schema)
        return low + (high - low) * self.dice.randint(1, 7) / 8

    def boolean(self, schema: Mapping[str, Any], at: str, depth: int) -> bool:
        """Either."""
        del schema, at, depth
        return self.dice.random() < 0.5

    def null(self, schema: Mapping[str, Any], at: str, depth: int) -> None:
        """Nothing."""
        del schema, at, depth

    def _words(self) -> str:
        start, length = self.dice.randrange(len(WORDS)), self.dice.randint(1, 5)
        return "".join((WORDS * 2)[start : start + length]).strip()


_KINDS: dict[str, Callable[[_Maker, Mapping[str, Any], str, int], Any]] = {
    "object": _Maker.object,
    "array": _Maker.array,
    "string": _Maker.string,
    "integer": _Maker.integer,
    "number": _Maker.number,
    "boolean": _Maker.boolean,
    "null": _Maker.null,
}


def _bounds(schema: Mapping[str, Any]) -> tuple[float, float]:
    lows = [schema[name] for name in ("minimum", "exclusiveMinimum") if name in schema]
    highs = [schema[name] for name in ("maximum", "exclusiveMaximum") if name in schema]
    low, high = max(lows, default=None), min(highs, default=None)
    if low is None:
        low = 0 if high is None or high > 0 else high - RANGE
    return low, low + RANGE if high is None else high


def _merged(base: Any, more: Any) -> dict[str, Any]:
    """Both at once: what they say of members is put together, of the rest the latter wins."""
    base, more = (each if isinstance(each, Mapping) else {} for each in (base, more))
    merged = {**base, **more}
    for name in ("properties", "$defs"):
        if name in base and name in more:
            merged[name] = {**base[name], **more[name]}
    if "required" in base and "required" in more:
        merged["required"] = [*base["required"], *more["required"]]
    return merged


def _cannot(at: str, why: str) -> RefusedError:
    return bad_request(f"Invalid schema: {at} {why}.", "schema", "invalid_json_schema")
