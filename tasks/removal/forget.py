"""Forgetting videos: tombstones first, everything else follows from them and can be done again after a kill at any point.

`forget` removes the videos from the data folder and seals a dataset without them; then a version without them is released; then
`finish` removes what older versions held, here and on the store, and looks whether anything is left.
"""

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from tasks.dataset.build import build_dataset
from tasks.dataset.manifest import MANIFEST
from tasks.discovery.catalogue import read_catalogue
from tasks.errors import InputError
from tasks.params import Params
from tasks.removal.local import OWN, bury, files_below, in_dataset, own_paths, remove_forgotten
from tasks.removal.models import flag_models
from tasks.removal.objects import Found, check_released, delete_objects, find_objects, places
from tasks.removal.proof import Searched, search
from tasks.schema import VIDEO_ID
from tasks.storage.layout import DataFolder
from tasks.storage.lock import held_lock
from tasks.storage.objects import ObjectStore
from tasks.storage.project import Project
from tasks.storage.tombstones import read_tombstones

MIN_TEXT_CHARACTERS = 8  # a shorter title may be anywhere by chance

Progress = Callable[[str], None]


@dataclass(frozen=True)
class ForgetReport:
    """What forgetting came to.

    removed: (what, how many, bytes). versions: released ones that can no longer be had whole. models: those that saw a video.
    repeats: videos that stay and show pictures of a forgotten one: id -> how many of its pictures.
    searched: None until `finish` has looked.
    texts: titles and addresses of the videos, to be looked for; never printed.
    """

    video_ids: tuple[str, ...]
    dry_run: bool
    removed: tuple[tuple[str, int, int], ...]
    versions: tuple[str, ...]
    models: tuple[str, ...]
    repeats: dict[str, int]
    relabelled: bool
    searched: Searched | None = None
    texts: tuple[str, ...] = field(default=(), repr=False)
    found: Found = field(default_factory=Found, repr=False)


def forget(
    project: Project, data: DataFolder, video_ids: Sequence[str], params: Params, *, store: ObjectStore | None, relabel: bool,
    now: datetime, progress: Progress, label: Callable[[], None] | None = None,
) -> ForgetReport:
    """The first half: tombstones, removal from the data folder, and a dataset without the videos. Then release, then `finish`.

    video_ids: ids or listed addresses. store: where versions are kept, None when nowhere.
    relabel: key words judged against a forgotten video are made again by `label`, which labels the list as ingest does.
    Raises InputError for a video that was never here, TransientError when another run is at work or the store does not answer;
    nothing was changed then.
    """
    with held_lock(data.lock):
        report = preview(project, data, video_ids, store=store, progress=progress)
        progress("writing tombstones")
        bury(data, report.video_ids, now.date().isoformat(), relabel=relabel)
        flag_models(data, report.video_ids, report.versions)
        progress("removing media and labels")
        removed = remove_forgotten(data)
    if relabel and label is not None:
        label()
    with held_lock(data.lock):
        if (data.dataset / MANIFEST).is_file():
            progress("rewriting shards")
            build_dataset(data.labels_root, read_catalogue(data.catalogue), data.dataset, params.dataset, data.evidence_root)
    counts = [(what, *count) for what, count in removed.items() if count[0]]
    counts += [line for line in report.removed if line[0].endswith("of the dataset")]
    return replace(report, dry_run=False, removed=tuple(counts), relabelled=relabel)


def preview(
    project: Project, data: DataFolder, video_ids: Sequence[str], *, store: ObjectStore | None, progress: Progress,
) -> ForgetReport:
    """What `forget` and `finish` would remove. Writes nothing. Raises as `forget`."""
    names = resolve(data, video_ids)
    everyone = _with_earlier(data, names)
    listed = [video for video in read_catalogue(data.catalogue) if video.id in names]
    progress("looking through the objects of DVC's cache and the store")
    own = own_paths(data, everyone)
    own_files = list(files_below([path for name in OWN for path in own[name]]))
    found = find_objects(places(project, store), everyone, lock=_lock(project), own_files=own_files)
    dataset = in_dataset(data, names)
    sizes = {what: [path.lstat().st_size for path in files_below(paths)] for what, paths in own.items()}
    removed = {what: (len(size), sum(size)) for what, size in sizes.items()}
    removed |= {"rows of the dataset": (dataset["rows"], 0), "shards of the dataset": (dataset["shards"], dataset["bytes"])}
    removed |= _objects(found)
    return ForgetReport(
        tuple(names), True, tuple((what, *count) for what, count in removed.items() if count[0]), tuple(found.versions),
        tuple(flag_models(data, names, found.versions, dry_run=True)), dataset["repeats"], relabelled=False,
        texts=tuple(text for video in listed for text in (video.title, video.url) if len(text) >= MIN_TEXT_CHARACTERS),
        found=found)


def finish(
    project: Project, data: DataFolder, report: ForgetReport, *, store: ObjectStore | None, progress: Progress,
) -> ForgetReport:
    """The second half, after the release: remove what older versions held, in DVC's cache and on the store; see what is left.

    Raises TransientError when the version without the videos is not released yet, or the store does not answer; the same
    `framewords forget` completes it then.
    """
    everyone = _with_earlier(data, report.video_ids)
    with held_lock(data.lock):
        progress("removing the objects of older versions")
        found = find_objects(places(project, store), everyone, own=report.found.own)
        check_released(_lock(project), found)
        delete_objects(found)
        progress("searching for what is left")
        searched = search(project, data, everyone, report.texts, store=store)
    removed = (*report.removed, *((what, *count) for what, count in _objects(found).items() if count[0]))
    return replace(report, removed=removed, searched=searched)


def resolve(data: DataFolder, wanted: Sequence[str]) -> list[str]:
    """The ids of the videos that are meant. Raises InputError for one that was never here, with the nearest name."""
    videos = read_catalogue(data.catalogue)
    known = {video.id for video in videos} | {tombstone.video_id for tombstone in read_tombstones(data.forgotten)}
    addresses = {video.url: video.id for video in videos if video.url}
    names = []
    for name in wanted:
        found = addresses.get(name, name)
        if found not in known and not (VIDEO_ID.fullmatch(found) and (data.media(found).exists() or data.labels(found).exists())):
            near = difflib.get_close_matches(name, [*known, *addresses], n=1)
            hint = f"did you mean {near[0]}?" if near else f"its id stands in {data.catalogue}"
            raise InputError(f"{name[:200]!r}: no such video here", hint)
        names.append(found)
    return list(dict.fromkeys(names))


def _lock(project: Project) -> str:
    return project.lock.read_text(encoding="utf-8") if project.lock.is_file() else ""


def _with_earlier(data: DataFolder, names: Sequence[str]) -> list[str]:
    """The videos, and those forgotten before: of these nothing should be left, unless a removal was killed."""
    return list(dict.fromkeys([*names, *(tombstone.video_id for tombstone in read_tombstones(data.forgotten))]))


def _objects(found: Found) -> dict[str, tuple[int, int]]:
    return {f"objects in the {doomed.place.name}": (len(doomed.keys), sum(doomed.keys.values())) for doomed in found.doomed}


def render(report: ForgetReport) -> str:
    """The report as text."""
    lines = [f"{'would forget' if report.dry_run else 'forgotten'}: {', '.join(report.video_ids)}"]
    lines += [f"  {what:<26}{count:>7,}{_megabytes(size)}" for what, count, size in report.removed]
    if report.versions:
        lines.append("versions that can no longer be had whole: " + ", ".join(report.versions))
    if report.models:
        lines.append("models that saw it, flagged in their cards; train them again: " + ", ".join(report.models))
    lines += [f"note: {name} stays and shows {count} of the same pictures" for name, count in sorted(report.repeats.items())]
    if not report.dry_run:
        lines.append(
            "key words that had been judged against it were made again" if report.relabelled else
            "the scores of other videos' key words stay as they were judged; --relabel makes them as if it had never been there")
        lines.append(
            "git history still holds its old row in data/videos.csv (title and address); where that must go too: "
            "`git filter-repo --replace-text`, see docs/upkeep.md")
    if report.searched:
        counts = f"{report.searched.files:,} files and {report.searched.objects:,} objects"
        lines.append(f"searched {counts}: found {len(report.searched.left)}")
        lines += [f"  left: {where}" for where in report.searched.left]
    return "\n".join(lines)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:>12,.1f} MB" if size else ""
