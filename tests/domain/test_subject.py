"""Every text of a subject reads back, and nobody else takes one apart."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import quotadeck
from quotadeck.domain.subject import Subject, SubjectKind

WORDS = [kind.value for kind in SubjectKind if kind]
PACKAGE = Path(quotadeck.__file__).parent
BY_HAND = re.compile(
    rf"""["'](?:{"|".join(WORDS)}):(?:["'{{]|[.]\w)"""  # put together, or looked for
    r"""|(?:subject|gate|binding|who)\)?[.](?:r?partition|r?split|removeprefix|startswith)\("""
)


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("project:analytics", Subject.project("analytics")),
        ("target:main/gpt:4", Subject.target("main/gpt:4")),
        ("model:opus", Subject.model("opus")),
        ("key:k_1", Subject.key("k_1")),
        ("command:cmd_1", Subject.command("cmd_1")),
        ("project:", Subject.project("")),
        ("", Subject(SubjectKind.OTHER, "")),
        ("project", Subject(SubjectKind.OTHER, "project")),
        (":x", Subject(SubjectKind.OTHER, ":x")),
        ("fleet:eu", Subject(SubjectKind.OTHER, "fleet:eu")),
    ],
)
def test_a_subjects_text(text: str, subject: Subject) -> None:
    assert Subject.parse(text) == subject
    assert str(subject) == f"{subject}" == text


@given(st.text() | st.builds(":".join, st.tuples(st.sampled_from(WORDS), st.text())))
def test_every_text_reads_back_as_it_was(text: str) -> None:
    assert str(Subject.parse(text)) == text


@pytest.mark.parametrize("kind", [kind for kind in SubjectKind if kind])
def test_a_subject_is_not_its_text_nor_one_of_another_kind(kind: SubjectKind) -> None:
    subject = Subject(kind, "a")
    assert {subject: 1} == {Subject.parse(f"{kind.value}:a"): 1}
    others = {Subject(other, "a") for other in SubjectKind if other is not kind}
    assert subject not in others


def test_nobody_else_takes_a_subjects_text_apart() -> None:
    found = [
        f"{path.relative_to(PACKAGE)}:{number}: {line.strip()}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.parts[-2] != "sim" and path.name != "subject.py"
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if BY_HAND.search(line)
    ]
    assert found == []
