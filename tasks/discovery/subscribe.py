"""One more source: written into params.yaml beside what a person wrote there, or only tried."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from tasks.discovery.kinds import check_source
from tasks.discovery.lister import nightly_cap
from tasks.discovery.sources import Found, discover_source
from tasks.errors import InputError, ParamsError
from tasks.network.session import SiteSession
from tasks.network.text import shown
from tasks.params import DiscoveryParams, SourceParams, explain, load_params
from tasks.schema import Video
from tasks.storage.atomic import staged_file

LONG_LINE = 4_000  # lines are not folded


def make_source(name: str, url: str, **options: Any) -> SourceParams:
    """A source from what was typed; options that are None or empty are left at their defaults. Raises ParamsError."""
    given = {key: value for key, value in options.items() if value not in (None, "", (), [])}
    try:
        return SourceParams(name=name, url=url, **given)
    except ValidationError as error:
        raise explain(f"source {name}", error, SourceParams) from error


def subscribe(params_file: Path, source: SourceParams) -> None:
    """Add a source to `sources:` of params.yaml; every other byte stays. The file is written whole or not at all.

    Raises ParamsError when the file cannot be used as it is, InputError when the source cannot be one or is there already.
    """
    params = load_params(params_file)
    check_source(source, params.discovery)
    for other in params.sources:
        if other.name == source.name:
            raise InputError(f"name {source.name} is there already", "choose another with --name")
        if other.url == source.url:
            raise InputError(f"{shown(source.url)} is there already, as {other.name}", "change that entry of params.yaml")
    by_hand = ParamsError(f"{params_file}: sources cannot be added to as written", "begin each on a line of its own with -")
    with staged_file(params_file) as staging:
        staging.write_bytes(_with_entry(params_file.read_bytes().decode(), source, by_hand).encode())
        if load_params(staging).sources != (*params.sources, source):
            raise by_hand


def _with_entry(text: str, source: SourceParams, by_hand: ParamsError) -> str:
    """The file with one entry more, behind the last one and before the comments that follow it."""
    tree = yaml.compose(text, yaml.SafeLoader)
    assert isinstance(tree, yaml.MappingNode)  # it was loaded as such
    node = next(value for key, value in tree.value if key.value == "sources")
    column, at = 2, node.end_mark.index
    if not node.value:  # `sources: []`
        line_end = text.find("\n", at)
        comment = text[at:] if line_end < 0 else text[at:line_end]
        head, at = text[:node.start_mark.index].rstrip() + comment, len(text) if line_end < 0 else line_end + 1
    elif node.flow_style:
        raise by_hand
    else:
        column = node.start_mark.column
        lines = text[:at].splitlines(keepends=True)
        while lines and lines[-1].lstrip()[:1] in ("", "#"):
            lines.pop()
        head = "".join(lines)
        at = len(head)
    newline = "\r\n" if "\r\n" in text else "\n"
    written = yaml.safe_dump(
        [source.model_dump(mode="json", exclude_defaults=True)], sort_keys=False, allow_unicode=True, width=LONG_LINE,
        line_break=newline)
    entry = "".join(" " * column + line for line in written.splitlines(keepends=True))
    return f"{head}{'' if head.endswith(newline) else newline}{entry}{text[at:]}"


@dataclass(frozen=True)
class Preview:
    """What a night would do with a source.

    tonight: videos that would be fetched; later: found as well, and left for the next nights by the cap.
    """

    found: Found
    tonight: tuple[Video, ...]
    later: tuple[Video, ...]


def preview(
    source: SourceParams, known: Collection[str], params: DiscoveryParams, *, session: Callable[[], SiteSession],
    file_digest: Callable[[Path], str], now: datetime,
) -> Preview:
    """Look at a source as if for the first time; nothing is written and no video fetched. Raises as discover_source."""
    found = discover_source(source, known, {}, params, session=session, file_digest=file_digest, now=now)
    cap = nightly_cap(source, params)
    return Preview(found, found.videos[:cap], found.videos[cap:])
