"""The command reference in markdown, from the commands themselves."""

from collections.abc import Iterator

import click

from quotadeck.cli.app import root
from quotadeck.cli.exits import MEANINGS
from quotadeck.domain.verbs import VERBS, End


def commands_reference() -> str:
    """Every command with its synopsis, words, options and examples, then the exit codes."""
    ctx = click.Context(root, info_name="quotadeck")
    parts = list(_sections(root, ctx))
    codes = [f"| {code.value} | {_cell(words)} |" for code, words in MEANINGS.items()]
    parts.append("\n".join(["## Exit codes", "", "| code | meaning |", "|---|---|", *codes]))
    return "\n\n".join(parts) + "\n"


def actions_reference() -> str:
    """What each command is about and needs, in a table, from the rows."""
    lines = [
        "| action | on the command line | about | least role | ends by itself | reason | undo |",
        "|---|---|---|---|---|---|---|",
    ]
    ends = {
        End.NEVER: "no",
        End.MAY: "it may",
        End.USUAL: "yes; an admin's may stand",
        End.NEEDED: "it is what it takes",
    }
    for verb in VERBS.values():
        line = f"`quotadeck {verb.line or verb.name.replace('_', ' ')}`"
        about = ", ".join(verb.about)
        needs = "yes" if verb.explained else "no"
        undo = "yes" if verb.undoable else "by its id"
        lines.append(
            f"| `{verb.name}` | {line} | {about} | {verb.role} | {ends[verb.end]} | {needs} "
            f"| {undo} |"
        )
    return "\n".join(lines) + "\n"


def _sections(command: click.Command, ctx: click.Context) -> Iterator[str]:
    yield f"## `{ctx.command_path}`"
    yield _prose(command.help or "")
    usage = " ".join(command.collect_usage_pieces(ctx))
    yield f"```\n{ctx.command_path} {usage}\n```"
    records = [option.get_help_record(ctx) for option in command.params]
    rows = [f"| `{_cell(r[0])}` | {_cell(r[1])} |" for r in records if r is not None and r[1]]
    if rows:
        yield "\n".join(["| option | meaning |", "|---|---|", *rows])
    if command.epilog and command is not root:
        yield "```\n" + command.epilog.replace("\b\n", "").strip() + "\n```"
    if isinstance(command, click.Group):
        for name in command.list_commands(ctx):
            child = command.get_command(ctx, name)
            if child is not None and not child.hidden:
                yield from _sections(child, click.Context(child, info_name=name, parent=ctx))


def _prose(text: str) -> str:
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n")).strip()


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
