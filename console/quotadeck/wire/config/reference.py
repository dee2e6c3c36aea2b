"""The config file's documentation, from the models that read it."""

import ast
import inspect
from importlib.resources import files
from itertools import pairwise

from pydantic.fields import FieldInfo

from quotadeck.wire.config.defaults import KNOWN_MODELS, UNKNOWN_MODEL
from quotadeck.wire.config.models import INNER_TABLES, NAMED_TABLES, TABLES
from quotadeck.wire.config.table import Allowed, Default, Table


def example() -> str:
    """A complete commented config, which loads where its upstream's key is set."""
    return files("quotadeck.wire.config").joinpath("example.toml").read_text("utf-8")


def config_reference() -> str:
    """Every key in markdown: a table of keys for each table of the file, then the known models."""
    tables = {**TABLES, **NAMED_TABLES, **INNER_TABLES}
    return "\n\n".join([*(_section(model) for model in tables.values()), _known_models()])


def _section(model: type[Table]) -> str:
    title, _, about = _flat(model.__doc__ or "").partition(": ")
    head = f"### {title.replace('``', '`')}\n\n" + (
        f"{about[:1].upper()}{about[1:]}\n\n" if about else ""
    )
    meanings = _docstrings(model)
    rows = [
        f"| `{name}` | {_allowed(field)} | {_default(field)} | {meanings[name]} |"
        for name, field in sorted(
            model.model_fields.items(), key=lambda one: not one[1].is_required()
        )
    ]
    return head + "\n".join(["| key | allowed | default | meaning |", "|---|---|---|---|", *rows])


def _docstrings(model: type[Table]) -> dict[str, str]:
    """The text under each field: read from the source here, because pydantic's own way of it would
    cost every start 40 ms."""
    (definition,) = ast.parse(inspect.getsource(model)).body
    assert isinstance(definition, ast.ClassDef)
    return {
        field.target.id: _flat(text.value.value)
        for field, text in pairwise(definition.body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }


def _allowed(field: FieldInfo) -> str:
    return [mark.words for mark in field.metadata if isinstance(mark, Allowed)][-1]


def _default(field: FieldInfo) -> str:
    words = [mark.words for mark in field.metadata if isinstance(mark, Default)]
    if words:
        return words[-1]
    if field.is_required():
        return "**required**"
    value = field.get_default(call_default_factory=True)
    if value is None:
        return "no limit"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, str):
        return f'`"{value}"`'
    return f"`{value:_}`" if isinstance(value, int) else f"`{value}`"


_UNPRICED = "by the upstream's `provider`, else none"


def _known_models() -> str:
    def number(value: int | None) -> str:
        return "no limit" if value is None else f"{value:_}"

    models = {
        **{f"`{name}`": known for name, known in KNOWN_MODELS.items()},
        "any other": UNKNOWN_MODEL,
    }
    rows = [
        f"| {name} | {known.price_usd or _UNPRICED} | {number(known.rpm)} | {number(known.tpm)} "
        f"| {number(known.max_input_tokens)} |"
        for name, known in models.items()
    ]
    return "\n".join(
        [
            "### Known models",
            "",
            "What a target takes where its table says nothing else.",
            "",
            "| model | `price_usd` | `rpm` | `tpm` | `max_input_tokens` |",
            "|---|---|---|---|---|",
            *rows,
        ]
    )


def _flat(text: str) -> str:
    return " ".join(text.split())
