"""From what a user typed to videos: files, folders, lists, addresses; the same video found twice is one video."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from tasks.discovery.arguments import kind_of, read_list
from tasks.discovery.local import folder_files, local_video
from tasks.discovery.sites import SetAside, set_aside, site_videos
from tasks.errors import InputError, UnavailableVideoError, UnusableVideoError, WorkflowError
from tasks.network.backoff import with_retries
from tasks.network.session import NetworkSettings, SiteSession, open_session
from tasks.network.text import shown
from tasks.params import DiscoveryParams
from tasks.schema import Video

ATTEMPTS, BACKOFF_SECONDS = 3, 1.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Expansion:
    """What the arguments lead to.

    videos: each once, in the order found.
    set_aside: (argument or path, code, problem) of what cannot be used.
    aliases: how many times a video was found again under another name.
    """

    videos: tuple[Video, ...]
    set_aside: tuple[SetAside, ...]
    aliases: int = 0


@dataclass
class _Expander:
    """State of one expansion; the network session is opened by the first address."""

    params: DiscoveryParams
    file_digest: Callable[[Path], str]
    sleep: Callable[[float], None]
    stack: ExitStack
    session: SiteSession | None = None
    videos: dict[str, Video] = field(default_factory=dict)
    aside: list[SetAside] = field(default_factory=list)
    aliases: int = 0


def expand_inputs(
    arguments: Sequence[str], params: DiscoveryParams, file_digest: Callable[[Path], str], *,
    sleep: Callable[[float], None] = time.sleep,
) -> Expansion:
    """The videos behind the arguments: video files, folders, .txt or .csv lists, addresses of videos, pages or playlists.

    file_digest: 32 hex of a file's bytes (blake2b), perhaps remembered.
    Raises InputError before anything is asked when an argument cannot be a source; when there is only one argument, also
    the InputError or TransientError that came of it. All else is set aside, and the rest goes on.
    """
    if not arguments:
        raise InputError("nothing to ingest", "give a file, a folder, a list or an http(s) URL")
    kinds = [kind_of(argument, allow_private=params.allow_private_addresses) for argument in arguments]
    with ExitStack() as stack:
        expander = _Expander(params, file_digest, sleep, stack)
        for argument, kind in zip(arguments, kinds, strict=True):
            try:
                _collect(expander, argument, _items(expander, argument, kind))
            except UnavailableVideoError as error:
                expander.aside.append(set_aside(argument, error))
            except WorkflowError as error:
                if len(arguments) == 1:
                    raise _as_input(error) from error
                expander.aside.append(set_aside(argument, error))
    return Expansion(tuple(expander.videos.values()), tuple(expander.aside), expander.aliases)


def _collect(expander: _Expander, argument: str, items: Iterator[Video | SetAside]) -> None:
    """Take the items of one argument, up to the cap."""
    limit = expander.params.max_videos
    for item in islice(items, limit):
        if isinstance(item, tuple):
            expander.aside.append(item)
        elif item.id in expander.videos:
            expander.aliases += 1
        else:
            expander.videos[item.id] = item
    if next(items, None) is not None:
        problem = f"over max_videos: {shown(argument)} has more than {limit}; the rest is left out"
        expander.aside.append((shown(argument, 200), "over_max_videos", problem))


def _items(expander: _Expander, argument: str, kind: str) -> Iterator[Video | SetAside]:
    """What one argument leads to."""
    if kind == "url":
        yield from _address(expander, argument, argument)
    elif kind == "file":
        yield _file(expander, Path(argument), argument)
    elif kind == "folder":
        yield from _each(_folder(Path(argument)), lambda path: iter([_file(expander, Path(path), argument)]))
    else:
        path = Path(argument)
        lines = read_list(path)
        if not lines:
            raise InputError(f"list is empty: {shown(argument)}", "put one address or path on a line")
        yield from _each(lines, lambda line: _line(expander, line, path, argument))


def _line(expander: _Expander, line: str, path: Path, source: str) -> Iterator[Video | SetAside]:
    """What one line of a list leads to; paths are relative to the list."""
    kind = kind_of(line, allow_private=expander.params.allow_private_addresses, base=path.parent)
    if kind == "list":
        raise InputError(f"list within a list: {shown(line)}", "give it as an argument of its own")
    if kind == "url":
        yield from _address(expander, line, source)
    elif kind == "folder":
        yield from _each(_folder(path.parent / line), lambda found: iter([_file(expander, Path(found), source)]))
    else:
        yield _file(expander, path.parent / line, source)


def _each(
    arguments: Iterable[str], expand: Callable[[str], Iterator[Video | SetAside]],
) -> Iterator[Video | SetAside]:
    """What each argument leads to; one that cannot be used does not stop the rest."""
    for argument in arguments:
        try:
            yield from expand(argument)
        except WorkflowError as error:
            yield set_aside(argument, error)


def _folder(folder: Path) -> list[str]:
    found = [str(path) for path in folder_files(folder)]
    if not found:
        raise InputError(f"no video files in folder: {shown(folder)}", "give a folder with videos")
    return found


def _file(expander: _Expander, path: Path, source: str) -> Video:
    return local_video(path, source, expander.file_digest).video


def _address(expander: _Expander, url: str, source: str) -> Iterator[Video | SetAside]:
    """What an address leads to."""
    if expander.session is None:
        settings = NetworkSettings(expander.params.allow_private_addresses, expander.params.allowed_hosts)
        expander.session = expander.stack.enter_context(open_session(settings))
    session = expander.session

    def resolve(address: str, extractor: str | None) -> dict[str, Any]:
        return with_retries(
            lambda: session.resolve(address, extractor), attempts=ATTEMPTS, backoff_seconds=BACKOFF_SECONDS,
            sleep=expander.sleep)

    yield from site_videos(session, url, source, resolve)


def _as_input(error: WorkflowError) -> WorkflowError:
    """What is wrong with the only argument is the user's to correct."""
    if isinstance(error, UnusableVideoError):
        return InputError(error.problem, error.remedy)
    return error
