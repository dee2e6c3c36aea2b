"""A report as the text of a file: Markdown, CSV or JSON."""

from datetime import tzinfo
from typing import Final

from quotadeck.domain.report import Report
from quotadeck.wire.objects import dump
from quotadeck.words.report import csv, markdown

FORMATS: Final = ("md", "csv", "json")


def exported(report: Report, form: str, zone: tzinfo | None = None) -> str:
    """The text in one of `FORMATS`; JSON has the fields of `Report`, instants as RFC 3339 UTC."""
    if form == "csv":
        return csv(report, zone)
    if form == "json":
        return dump(report).decode() + "\n"
    return markdown(report, zone)
