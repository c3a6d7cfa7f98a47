"""What changed between two versions of the dataset, by what was published of them."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.release.remote import read_remote
from tasks.release.versions import Version, find_version, read_published
from tasks.storage.artefact import read_table
from tasks.storage.objects import open_store
from tasks.storage.project import Project

SHOWN_NAMES = 5
Picture = tuple[str, int]  # video id and frame


@dataclass(frozen=True)
class Change:
    """Of one kind of thing: how many there were and are, and which came, went, or are others under the same name."""

    before: int
    after: int
    added: int
    removed: int
    changed: int


@dataclass(frozen=True)
class Difference:
    """What changed from one version to another.

    counts: of videos, pictures and labels; a changed video has other labels, pictures or details, a changed picture shows
    something else at the same place, and labels count as changed by picture, where their number is another.
    videos: ids by `added`, `removed`, `changed`. left_out: (what, reason, before, after) where they differ.
    settings: (section.key, before, after).
    """

    first: Version
    second: Version
    counts: Mapping[str, Change]
    videos: Mapping[str, Sequence[str]]
    left_out: Sequence[tuple[str, str, int, int]]
    settings: Sequence[tuple[str, Any, Any]]

    @property
    def text(self) -> str:
        """A table to read."""
        rows: list[tuple[Any, ...]] = [("", self.first.tag, self.second.tag, "added", "removed", "changed")]
        rows += [(name, count.before, count.after, count.added, count.removed, count.changed)
                 for name, count in self.counts.items()]
        parts = [_aligned(rows)]
        parts += [f"videos {how}: {_names(names)}" for how, names in self.videos.items() if names]
        if self.left_out:
            parts.append(_aligned([("left out", self.first.tag, self.second.tag),
                                   *((f"{what}: {reason}", before, after) for what, reason, before, after in self.left_out)]))
        parts += [f"{key}: {before} -> {after}" for key, before, after in self.settings]
        return "\n".join(parts)


def diff_versions(project: Project, first: str, second: str) -> Difference:
    """What changed from one version to another.

    Raises InputError when there is no such version, IntegrityError when the store no longer holds what was published,
    TransientError when it does not answer.
    """
    versions = find_version(project, first), find_version(project, second)
    before, after = (read_published(project, version) for version in versions)
    videos = [{video["id"]: video for video in manifest["videos"]} for manifest in (before, after)]
    pictures = [_pictures(project, manifest) for manifest in (before, after)]
    names = _compare({name: video["fingerprint"] for name, video in videos[0].items()},
                     {name: video["fingerprint"] for name, video in videos[1].items()})
    hashes = _compare(*({key: phash for key, (phash, _) in found.items()} for found in pictures))
    labels = [{key: count for key, (_, count) in found.items()} for found in pictures]
    both = labels[0].keys() & labels[1].keys()
    counts = {
        "videos": _change(videos[0], videos[1], names), "pictures": _change(pictures[0], pictures[1], hashes),
        "labels": Change(sum(labels[0].values()), sum(labels[1].values()),
                         sum(labels[1][key] for key in hashes["added"]), sum(labels[0][key] for key in hashes["removed"]),
                         sum(labels[0][key] != labels[1][key] for key in both))}
    return Difference(*versions, counts, names, _left_out(before, after), _settings(before, after))


def _pictures(project: Project, manifest: Mapping[str, Any]) -> dict[Picture, tuple[int, int]]:
    """Hash and number of labels of every picture of a version."""
    entry = manifest["index"]
    if not entry:
        return {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "index.parquet"
        open_store(read_remote(project)).get_file(entry["object"], path, digest=f"md5:{entry['md5']}")
        table = read_table(path, ["video_id", "frame", "phash", "labels", "dropped"])
    columns = (table[name].to_pylist() for name in table.column_names)
    return {(video, frame): (phash, labels) for video, frame, phash, labels, dropped in zip(*columns, strict=True)
            if dropped is None}


def _compare(before: Mapping[Any, Any], after: Mapping[Any, Any]) -> dict[str, list[Any]]:
    return {"added": [key for key in after if key not in before], "removed": [key for key in before if key not in after],
            "changed": [key for key in after if key in before and before[key] != after[key]]}


def _change(before: Mapping[Any, Any], after: Mapping[Any, Any], names: Mapping[str, Sequence[Any]]) -> Change:
    return Change(len(before), len(after), *(len(names[how]) for how in ("added", "removed", "changed")))


def _left_out(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[str, str, int, int]]:
    counts = [{(what, reason): count for what, book in manifest["books"].items() for reason, count in book["left_out"].items()}
              for manifest in (before, after)]
    return [(*key, counts[0].get(key, 0), counts[1].get(key, 0)) for key in sorted(counts[0].keys() | counts[1].keys())
            if counts[0].get(key) != counts[1].get(key)]


def _settings(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    flat = [_flat(manifest["release"]["settings"]) for manifest in (before, after)]
    return [(key, flat[0].get(key), flat[1].get(key)) for key in sorted(flat[0].keys() | flat[1].keys())
            if flat[0].get(key) != flat[1].get(key)]


def _flat(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{section}.{key}" if key else section: value for section, values in settings.items()
            for key, value in (values.items() if isinstance(values, dict) else [("", values)])}


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
    return ", ".join(names[:SHOWN_NAMES]) + more


def _aligned(rows: Sequence[Sequence[Any]]) -> str:
    """Rows of equal length as text: the first column to the left, the others to the right."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join("  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in cells)
