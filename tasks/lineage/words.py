"""A word in all videos: where it was said, whether it is a key word, and which pictures it labels."""

import difflib
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.errors import InputError
from tasks.keywords.pick import normalise
from tasks.lineage.answer import Answer, Step, amount, at_moment, clock
from tasks.lineage.sources import Sources
from tasks.lineage.steps import word_rule
from tasks.storage.artefact import numbers, read_table

SHOWN = 5  # videos, and pictures
SPOKEN = ["word", "lemma", "why_not"]


def explain_word(sources: Sources, word: str) -> Answer:
    """Raises InputError when nobody said it, with the nearest word that was."""
    wanted = normalise(word) or word.lower()
    said, heard = _search(sources, wanted)
    if not said:
        near = difflib.get_close_matches(wanted, heard, n=1)
        hint = f"did you mean {near[0]}?" if near else "ask for a word that is said in a video"
        raise InputError(f"{word!r}: no such video, and nobody says it", hint)
    first = next(iter(said.values()))
    lemma = Counter(row for rows in said.values() for row in rows["lemma"].to_pylist()).most_common(1)[0][0]
    return Answer(f"{wanted} (lemma {lemma})" if lemma != wanted else wanted, (
        _said_step(sources, said), _key_step(said), *_rule_steps(sources, said),
        *_video_steps(sources, said), _label_step(sources, sorted({*first["lemma"].to_pylist(), lemma}))))


def _search(sources: Sources, wanted: str) -> tuple[dict[str, pa.Table], list[str]]:
    """By video, in list order: the rows (place, word, lemma, why_not) that say it; and every word there is."""
    said: dict[str, pa.Table] = {}
    heard: set[str] = set()
    for name in sources.videos:
        path = sources.data.words(name)
        if not path.is_file():
            continue
        with pq.ParquetFile(path, memory_map=True, read_dictionary=["word", "lemma"]) as file:
            table = file.read(SPOKEN, use_threads=False)
        spoken = pc.or_(_among(table["word"], wanted, heard), _among(table["lemma"], wanted, heard))
        rows = pc.indices_nonzero(spoken)
        if len(rows):
            said[name] = table.take(rows).append_column("at", rows)
    return said, sorted(heard)


def _among(column: pa.ChunkedArray, wanted: str, heard: set[str]) -> pa.ChunkedArray:
    """Which rows of a column of words are the wanted one; each different word is looked at once."""
    masks = []
    for chunk in column.chunks:
        words = chunk.dictionary.to_pylist()
        heard.update(words)
        codes = [code for code, word in enumerate(words) if wanted in word.lower() and normalise(word) == wanted]
        masks.append(pc.is_in(chunk.indices, pa.array(codes, chunk.indices.type)))
    return pa.chunked_array(masks, pa.bool_())


def _said_step(sources: Sources, said: dict[str, pa.Table]) -> Step:
    forms = Counter(word for rows in said.values() for word in rows["word"].to_pylist())
    times = sum(forms.values())
    shown = ", ".join(f"{word} {count:,}" for word, count in forms.most_common(SHOWN))
    return Step("said", f"{amount(times, 'time')} in {len(said)} of {amount(len(sources.videos), 'video')}, as {shown}",
                {"times": times, "videos": len(said), "listed": len(sources.videos), "forms": dict(forms.most_common())})


def _key_step(said: dict[str, pa.Table]) -> Step:
    reasons = Counter(reason for rows in said.values() for reason in rows["why_not"].to_pylist())
    keys = reasons.pop(None, 0)
    against = "".join(f", not {count:,} as {reason}" for reason, count in sorted(reasons.items()))
    return Step("key word", f"{amount(keys, 'time')}{against}", {"key": keys, "why_not": dict(sorted(reasons.items()))})


def _rule_steps(sources: Sources, said: dict[str, pa.Table]) -> Iterator[Step]:
    """One step a reason, at the last video that shows it: what a later video is judged by is nearest to that."""
    latest: dict[str | None, tuple[str, int]] = {}
    for name, rows in said.items():
        for reason, at in zip(rows["why_not"].to_pylist(), rows["at"].to_pylist(), strict=True):
            latest[reason] = (name, at)
    for reason, (name, at) in sorted(latest.items(), key=lambda item: item[0] or ""):
        labels = sources.labels(name)
        row, record = labels.words.slice(at, 1).to_pylist()[0], labels.record("words") or {}
        yield Step(
            "rule", f"{word_rule(row, record)} (in {name} at {clock(row['start'])}, {record['fingerprint'][:12]})",
            {"why_not": reason, "video": name, "word": row, **{key: record[key] for key in ("params", "fingerprint")}})


def _video_steps(sources: Sources, said: dict[str, pa.Table]) -> Iterator[Step]:
    for name, rows in sorted(said.items(), key=lambda item: -len(item[1]))[:SHOWN]:
        start = sources.labels(name).words["start"][rows["at"][0].as_py()].as_py()
        address = at_moment(sources.videos[name].url, start)
        yield Step("in", f"{name}: {amount(len(rows), 'time')}, first at {clock(start)}: {address}",
                   {"video": name, "times": len(rows), "first": start, "address": address})


def _label_step(sources: Sources, lemmas: list[str]) -> Step:
    """The pictures of the dataset that it labels, surest first."""
    found: list[tuple[float, str, int, float]] = []
    count = 0
    for shard in sources.shards:
        weights, rows, table = _weights(sources, shard, lemmas)
        count += len(weights)
        for at in sorted(range(len(weights)), key=lambda at: -weights[at])[:SHOWN]:
            place = rows[at]
            found.append((float(weights[at]), table["video_id"][place].as_py(), table["frame"][place].as_py(),
                          table["timestamp"][place].as_py()))
    surest = sorted(found, key=lambda one: (-one[0], one[1:]))[:SHOWN]
    shown = ", ".join(f"{name}:{frame} {weight:.2f}" for weight, name, frame, _ in surest)
    facts: dict[str, Any] = {"pictures": count, "surest": [
        {"video": name, "frame": frame, "timestamp": seconds, "weight": weight} for weight, name, frame, seconds in surest]}
    return Step("labels", f"{amount(count, 'picture')}{f'; surest: {shown}' if shown else ''}", facts)


def _weights(sources: Sources, shard: dict[str, Any], lemmas: list[str]) -> tuple[list[float], list[int], pa.Table]:
    """The weights of some labels in a shard, the rows they are in, and the shard's columns that say where that is."""
    table = read_table(sources.data.dataset / shard["path"], [
        "video_id", "frame", "timestamp", "labels.list.element.label", "labels.list.element.weight"])
    lists = table["labels"].combine_chunks()
    flat, parents = pc.list_flatten(lists), pc.list_parent_indices(lists)
    mask = pc.is_in(flat.field("label"), pa.array(lemmas, pa.string()))
    weights = numbers(pa.chunked_array([flat.field("weight").filter(mask)])).tolist()
    return weights, numbers(pa.chunked_array([parents.filter(mask)])).tolist(), table
