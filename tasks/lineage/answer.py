"""An answer: the steps from a source to what was asked about, each one line for people and facts for machines."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

MEDIA_FILE = re.compile(r"\.(?:mp4|m4v|webm|ogv|mov)$", re.IGNORECASE)
# Where players begin at a moment: host, in the query or the fragment, the name, and how seconds are written.
PLAYERS = (
    ("youtube.com", "query", "t", "{}s"), ("youtu.be", "query", "t", "{}s"), ("vimeo.com", "fragment", "t", "{}s"),
    ("dailymotion.com", "query", "start", "{}"), ("twitch.tv", "query", "t", "{}s"), ("archive.org", "query", "start", "{}"))


@dataclass(frozen=True)
class Step:
    """One step of a lineage. name: which. text: a line for people. facts: JSON values, the same and more for machines."""

    name: str
    text: str
    facts: dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """subject: what was asked about. steps: from the source on."""

    subject: str
    steps: tuple[Step, ...]

    def to_json(self) -> dict[str, Any]:
        return {"subject": self.subject, "steps": [{"step": step.name, **step.facts} for step in self.steps]}


def render(answer: Answer) -> str:
    """The answer as text, a line a step."""
    width = max((len(step.name) for step in answer.steps), default=0)
    return "\n".join([answer.subject, *(f"  {step.name:<{width}}  {step.text}" for step in answer.steps)])


def clock(seconds: float) -> str:
    """36.04 -> 0:36.04."""
    minutes, rest = divmod(round(seconds, 2), 60)
    hours, minutes = divmod(int(minutes), 60)
    tail = f"{rest:05.2f}"
    return f"{hours}:{minutes:02}:{tail}" if hours else f"{minutes}:{tail}"


def at_moment(url: str, seconds: float) -> str:
    """The address of a moment, where the site or the file format has one; else the address.

    Source for media files: W3C Media Fragments URI 1.0.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").removeprefix("www.").removeprefix("m.")
    if not host:
        return url
    whole = int(seconds)
    for site, where, name, form in PLAYERS:
        if host == site and where == "query":
            query = [(key, value) for key, value in parse_qsl(parts.query, keep_blank_values=True) if key != name]
            return urlunsplit(parts._replace(query=urlencode([*query, (name, form.format(whole))])))
        if host == site:
            return urlunsplit(parts._replace(fragment=f"{name}={form.format(whole)}"))
    return urlunsplit(parts._replace(fragment=f"t={whole}")) if MEDIA_FILE.search(parts.path) else url


def amount(count: int, noun: str) -> str:
    """1 video, 2 videos."""
    return f"{count:,} {noun}{'s' if count != 1 else ''}"
