"""A word in all videos: where it was said, whether it is a key word, and which pictures it labels."""

import difflib
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tasks.errors import InputError
from tasks.keywords.pick import normalise
from tasks.lineage.answer import Answer, Step, amount, at_moment, clock
from tasks.lineage.columns import counted, last_of_each, matching, read_all, taken
from tasks.lineage.sources import Sources
from tasks.lineage.steps import word_rule
from tasks.storage.artefact import numbers

SHOWN = 5  # videos, and pictures
SPOKEN = ("word", "lemma", "why_not")
LABELS = ("labels.list.element.label", "labels.list.element.weight")


@dataclass(frozen=True)
class Said:
    """What one video says of a word: how often, its first row, its forms, and the last row for each reason not to be a key."""

    first: int
    forms: Counter[str]
    lemmas: Counter[str]
    reasons: Counter[str | None]
    last: dict[str | None, int]

    @property
    def times(self) -> int:
        return self.forms.total()


def explain_word(sources: Sources, word: str) -> Answer:
    """Raises InputError when nobody said it, with the nearest word that was."""
    wanted = normalise(word) or word.lower()
    said, heard = _search(sources, wanted)
    if not said:
        near = difflib.get_close_matches(wanted, heard, n=1)
        hint = f"did you mean {near[0]}?" if near else "ask for a word that is said in a video"
        raise InputError(f"{word!r}: no such video, and nobody says it", hint)
    lemmas = sum((one.lemmas for one in said.values()), Counter[str]())
    lemma = lemmas.most_common(1)[0][0]
    return Answer(f"{wanted} (lemma {lemma})" if lemma != wanted else wanted, (
        _said_step(sources, said), _key_step(said), *_rule_steps(sources, said),
        *_video_steps(sources, said), _label_step(sources, lemmas)))


def _search(sources: Sources, wanted: str) -> tuple[dict[str, Said], list[str]]:
    """By video, in list order: what says it; and every word there is."""
    said: dict[str, Said] = {}
    heard: set[str] = set()

    def is_wanted(word: str) -> bool:
        heard.add(word)
        return wanted in word.lower() and normalise(word) == wanted

    paths = {name: path for name in sources.videos if (path := sources.data.words(name)).is_file()}
    for name, table in zip(paths, read_all(list(paths.values()), SPOKEN, SPOKEN[:2]), strict=True):
        mask = matching(table["word"], is_wanted) | matching(table["lemma"], is_wanted)
        if mask.any():
            places = np.flatnonzero(mask).astype(np.int64)
            rows = taken(table, places)
            last = {reason: int(places[at]) for reason, at in last_of_each(rows["why_not"]).items()}
            forms, lemmas, reasons = (counted(rows[column]) for column in SPOKEN)
            said[name] = Said(int(places[0]), forms, lemmas, reasons, last)
    return said, sorted(heard)


def _said_step(sources: Sources, said: dict[str, Said]) -> Step:
    forms = sum((one.forms for one in said.values()), Counter[str]())
    times = sum(forms.values())
    shown = ", ".join(f"{word} {count:,}" for word, count in forms.most_common(SHOWN))
    return Step("said", f"{amount(times, 'time')} in {len(said)} of {amount(len(sources.videos), 'video')}, as {shown}",
                {"times": times, "videos": len(said), "listed": len(sources.videos), "forms": dict(forms.most_common())})


def _key_step(said: dict[str, Said]) -> Step:
    reasons = sum((one.reasons for one in said.values()), Counter[str | None]())
    keys = reasons.pop(None, 0)
    against = "".join(f", not {count:,} as {reason}" for reason, count in sorted(reasons.items()))
    return Step("key word", f"{amount(keys, 'time')}{against}", {"key": keys, "why_not": dict(sorted(reasons.items()))})


def _rule_steps(sources: Sources, said: dict[str, Said]) -> Iterator[Step]:
    """One step a reason, at the last video that shows it: what a later video is judged by is nearest to that."""
    latest: dict[str | None, tuple[str, int]] = {}
    for name, one in said.items():
        latest.update({reason: (name, at) for reason, at in one.last.items()})
    for reason, (name, at) in sorted(latest.items(), key=lambda item: item[0] or ""):
        labels = sources.labels(name)
        row, record = labels.words.slice(at, 1).to_pylist()[0], labels.record("words") or {}
        yield Step(
            "rule", f"{word_rule(row, record)} (in {name} at {clock(row['start'])}, {record['fingerprint'][:12]})",
            {"why_not": reason, "video": name, "word": row, **{key: record[key] for key in ("params", "fingerprint")}})


def _video_steps(sources: Sources, said: dict[str, Said]) -> Iterator[Step]:
    for name, one in sorted(said.items(), key=lambda item: -item[1].times)[:SHOWN]:
        start = sources.labels(name).words["start"][one.first].as_py()
        address = at_moment(sources.videos[name].url, start)
        yield Step("in", f"{name}: {amount(one.times, 'time')}, first at {clock(start)}: {address}",
                   {"video": name, "times": one.times, "first": start, "address": address})


def _label_step(sources: Sources, lemmas: Collection[str]) -> Step:
    """The pictures of the dataset that it labels, surest first."""
    found: list[tuple[float, int, int]] = []
    count = 0
    paths = [sources.data.dataset / shard["path"] for shard in sources.shards]
    for number, table in enumerate(read_all(paths, LABELS)):
        weights, rows = _weights(table, lemmas)
        count += len(weights)
        best = np.argsort(-weights, kind="stable")[:SHOWN]
        found += [(float(weights[at]), number, int(rows[at])) for at in best]
    surest = [{**_place(sources, sources.shards[number], row), "weight": weight}
              for weight, number, row in sorted(found, key=lambda one: (-one[0], one[1:]))[:SHOWN]]
    shown = "".join(f", {one['video']}:{one['frame']} {one['weight']:.2f}" for one in surest)
    shown = shown.replace(", ", "; surest: ", 1)
    return Step("labels", f"{amount(count, 'picture')}{shown}", {"pictures": count, "surest": surest})


def _weights(table: pa.Table, lemmas: Collection[str]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The weights of some labels in a shard, and the rows they are in."""
    lists = table["labels"].combine_chunks()
    flat = pc.list_flatten(lists)
    mask = matching(pa.chunked_array([flat.field("label").dictionary_encode()]), lemmas.__contains__)
    columns = (flat.field("weight"), pc.list_parent_indices(lists))
    weights, rows = (numbers(pa.chunked_array([column]))[mask] for column in columns)
    return weights, rows


def _place(sources: Sources, shard: dict[str, Any], row: int) -> dict[str, Any]:
    """Which picture a row of a shard is; only its row group is read."""
    with pq.ParquetFile(sources.data.dataset / shard["path"], memory_map=True) as file:
        for group in range(file.num_row_groups):
            size = file.metadata.row_group(group).num_rows
            if row < size:
                found = file.read_row_group(group, ["video_id", "frame", "timestamp"]).slice(row, 1).to_pylist()[0]
                return {"video": found["video_id"], "frame": found["frame"], "timestamp": found["timestamp"]}
            row -= size
    raise IndexError(row)
