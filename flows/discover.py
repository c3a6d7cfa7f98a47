"""New uploads of every subscription, added to the list. The only step that depends on the day it runs."""

from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.futures import PrefectFuture
from prefect.tasks import exponential_backoff
from rich.console import Console

from flows.console import counted, print_line
from flows.labelling import lanes, workbench
from flows.outcome import Discovery, SourceNews
from flows.plan import data_folder
from flows.policy import policy_of
from tasks.discovery.catalogue import append_videos, read_catalogue
from tasks.discovery.sources import Found
from tasks.discovery.subscribe import preview
from tasks.discovery.task import find_uploads, network_settings
from tasks.errors import BlockedError, WorkflowError
from tasks.network.session import open_session
from tasks.params import Params, SourceParams, load_params
from tasks.storage.artefact import digest_file
from tasks.storage.layout import DataFolder
from tasks.storage.ledger import Ledger

SOURCES_AT_ONCE = 4


@flow(name="discover")
def discover(data: str = "data", params_file: str = "params.yaml", settings: dict[str, Any] | None = None) -> Discovery:
    """Look for new uploads and list them. Nothing is fetched."""
    folder, params = data_folder(Path(data)), load_params(Path(params_file), settings or {})
    with workbench(folder) as ledger:
        return discover_all(folder, params, ledger, datetime.now(UTC))


def discover_all(data: DataFolder, params: Params, ledger: Ledger, now: datetime) -> Discovery:
    """Look at every source that does not rest, a few at once; new uploads go to the end of the list, source by source.

    What a source remembers is kept after its videos are listed: should that fail between, they are found again.
    """
    known = frozenset(video.id for video in read_catalogue(data.catalogue))
    resting = ledger.paused(now)
    policy, news, added = policy_of(params), list[SourceNews](), 0
    digests: dict[Path, str] = {}

    def file_digest(path: Path) -> str:
        digests[path] = ledger.file_digest(path)
        return digests[path]

    find = find_uploads.with_options(
        retries=params.download.attempts - 1,
        retry_delay_seconds=exponential_backoff(max(1, round(params.download.backoff_seconds))))

    def start(source: SourceParams) -> PrefectFuture[Any]:
        return find.submit(
            source, known, ledger.source_state(source.name), params.discovery, params.download, now, file_digest, data.inbox)

    awake = [source for source in params.sources if source.name not in resting]
    for source, future in lanes(awake, SOURCES_AT_ONCE, start):
        answer = future.result(raise_on_failure=False) if future else None
        if isinstance(answer, BlockedError):
            until = ledger.block_source(source.name, answer.problem, answer.retry_after_seconds, now, policy)
            news.append(SourceNews(source.name, problem=f"rests until {until:%Y-%m-%d %H:%M} UTC: {answer.problem}"))
        elif not isinstance(answer, Found):
            problem = str(answer) if isinstance(answer, WorkflowError) else f"{type(answer).__name__}: {answer}"
            news.append(SourceNews(source.name, problem=problem))
        else:
            fresh = append_videos(data.catalogue, answer.videos, first_seen=now.date().isoformat())
            ledger.keep_source(source.name, answer.state)
            added += len(fresh)
            news.append(SourceNews(
                source.name, len(fresh), len(answer.filtered), answer.requests, answer.notes,
                answer.trouble.problem if answer.trouble else ""))
    ledger.remember_digests(digests)
    news += [SourceNews(name, problem=f"rests until {until:%Y-%m-%d %H:%M} UTC: {problem}")
             for name, (until, problem) in resting.items() if any(source.name == name for source in params.sources)]
    return Discovery(tuple(news), added)


def print_preview(source: SourceParams, params: Params, data: DataFolder, console: Console) -> None:
    """What a first night would do with a source. Nothing is written."""
    known = frozenset(video.id for video in read_catalogue(data.catalogue))
    with ExitStack() as stack:
        seen = preview(
            source, known, params.discovery, session=lambda: stack.enter_context(
                open_session(network_settings(params.discovery, params.download))),
            file_digest=digest_file, now=datetime.now(UTC))
    for heading, videos in (("a night would fetch", seen.tonight), ("and the nights after", seen.later)):
        if videos:
            console.print(f"{heading}: {counted(len(videos), 'video')}", highlight=False)
        for video in videos:
            print_line(console, f"  {video.uploaded or '?':10}  {video.id}  {video.title}")
    for address, code, problem in seen.found.filtered:
        print_line(console, f"left out: {address}: {code}: {problem}")
    for note in seen.found.notes:
        print_line(console, f"note: {note}")
    console.print(f"{counted(seen.found.requests, 'request')}. Nothing was written.", highlight=False)
