"""Each step of the lineage of one picture or video, in words: what was decided, by which rule and setting, and what made it."""

import hashlib
from collections.abc import Iterator
from typing import Any

from tasks.lineage.answer import Step, amount, at_moment, clock
from tasks.lineage.sources import Labels, Sources
from tasks.schema import Video
from tasks.storage.artefact import digest_json

# Why a word is no key word. {params} are the settings of its table, {row} its row.
WORD_RULES = {
    "punctuation": "nothing was said there: a sign, a note in brackets, or text run together",
    "filler": "part of a filler such as `um` or `you know`",
    "stopword": "on the list of stop words",
    "number": "a number, and keywords.numbers is {params[numbers]}",
    "low_confidence": "confidence {row[confidence]:.2f}, keywords.min_confidence is {params[min_confidence]}",
    "too_short": "fewer than keywords.min_letters = {params[min_letters]} letters",
    "out_of_range": "spoken after the last picture, or at no possible time",
    "not_visual": "on the list of words that name nothing a picture can show",
}


def source_step(video: Video, seconds: float | None = None) -> Step:
    """Where a video, or a moment of it, comes from."""
    address = video.url if seconds is None else at_moment(video.url, seconds)
    details = {name: getattr(video, name) for name in ("title", "channel", "licence", "uploaded", "source", "first_seen")}
    parts = (f'"{video.title}"' if video.title else "", video.channel, f"found through {video.source}" if video.source else "")
    told = ", ".join(part for part in parts if part)
    return Step("source", f"{address}{f' ({told})' if told else ''}", {"video": video.id, "address": address, **details})


def media_step(labels: Labels) -> Step:
    record = labels.media
    if record is None:
        return Step("media", "not on this machine", {"here": False})
    files = ", ".join(f"{name} {facts['blake2b'][:12]}" for name, facts in sorted(record["files"].items()))
    text = f"{clock(record['duration'])} long; content {record['content'][:12]}: {files}"
    return Step("media", text, {"here": True, **{name: record[name] for name in (
        "picture", "sound", "duration", "content", "fingerprint", "files", "states")}})


def made_by(record: dict[str, Any]) -> dict[str, Any]:
    """What made a table, as facts."""
    return {name: record[name] for name in ("step", "version", "params", "inputs", "fingerprint", "extra")}


def table_step(labels: Labels, table: str) -> Step:
    """What one step left of a video."""
    record = labels.record(table)
    if record is None:
        return Step(table, "not made yet", {"here": False})
    said = record["extra"]
    told = ", ".join(f"{name} {value}" for name, value in said.items() if isinstance(value, str | int | float))
    return Step(table, f"made by {record['step']} v{record['version']} {record['fingerprint'][:12]}{f': {told}' if told else ''}",
                {"here": True, **made_by(record)})


def frame_step(labels: Labels, row: dict[str, Any], record: dict[str, Any]) -> Step:
    """Why one sampled frame was kept or dropped."""
    params = record["params"]
    where = f"frame {row['frame']}, on screen {clock(row['timestamp'])}-{clock(row['end'])}, {row['width']}x{row['height']} px"
    facts = {**row, "phash": f"{row['phash']:016x}", **made_by(record)}
    if row["dropped"] is None:
        jpeg = labels.jpeg(row["frame"]) or b""
        facts["jpeg_sha256"] = hashlib.sha256(jpeg).hexdigest()
        decided = f"kept; phash {row['phash']:016x}, JPEG sha256 {facts['jpeg_sha256'][:12]}"
    else:
        decided = f"dropped as {row['dropped']}: {_why_dropped(labels, row, params)}"
    return Step("frames", f"{where}; {decided}; {_maker(record)}", facts)


def _why_dropped(labels: Labels, row: dict[str, Any], params: dict[str, Any]) -> str:
    if row["dropped"] == "duplicate":
        first = labels.frames.slice(row["duplicate_of"], 1).to_pylist()[0]
        bits = (first["phash"] ^ row["phash"]).bit_count()
        return (f"repeats frame {row['duplicate_of']} at {clock(first['timestamp'])}, {amount(bits, 'bit')} apart "
                f"(frames.duplicate_bits = {params.get('duplicate_bits')}, ssim_min = {params.get('ssim_min')})")
    rules = {
        "black": ("mean luma", "luma", "black_luma"), "blank": ("contrast", "contrast", "blank_contrast"),
        "blurred": ("sharpness", "sharpness", "blurred_sharpness")}
    if row["dropped"] in rules:
        what, column, setting = rules[row["dropped"]]
        return f"{what} {row[column]:.1f}, frames.{setting} = {params.get(setting)}"
    return "it could not be decoded whole"


def _maker(record: dict[str, Any]) -> str:
    return f"{record['step']} v{record['version']} {record['fingerprint'][:12]}"


def label_steps(labels: Labels, row: dict[str, Any]) -> Iterator[Step]:
    """The words of a picture: who heard them, and which became its labels."""
    for table in ("heard", "words"):
        yield table_step(labels, table)
    record = labels.record("examples")
    example = labels.example(row["frame"]) if record else None
    if record is None or example is None:
        why = "its words are not paired with pictures yet" if record is None else "a dropped frame gets no labels"
        yield Step("labels", why, {"labels": []})
        return
    shown = ", ".join(f"{one['label']} {one['weight']:.2f}" for one in example["labels"]) or "none"
    spoken = f'; "{example["sentence"]}"' if example["sentence"] else ""
    lag = example["video_offset_seconds"]
    told = f"; speech lags {lag:+.2f} s" if lag is not None else ""
    yield Step("labels", f"{shown}{spoken}{told}; {_maker(record)}", {**example, **made_by(record)})
    if judged := labels.judged(row["frame"]):
        yield judged_step(example, *judged)


def judged_step(timed: dict[str, Any], example: dict[str, Any], record: dict[str, Any]) -> Step:
    """What nets that never saw the video make of its labels: each weight beside that of timing alone."""
    before = {one["label"]: one["weight"] for one in timed["labels"]}
    shown = ", ".join(
        f"{one['label']} {one['weight']:.2f} (timing {before.get(one['label'], 0.0):.2f})" for one in example["labels"])
    gone = ", ".join(label for label in before if label not in {one["label"] for one in example["labels"]})
    fits = "" if example["p_alignable"] is None else f"; {example['p_alignable']:.2f} that anything said near it is in view"
    return Step("judged", f"{shown or 'none'}{f'; no longer {gone}' if gone else ''}{fits}; {_maker(record)}",
                {**example, **made_by(record)})


def dataset_step(sources: Sources, labels: Labels, row: dict[str, Any]) -> Step:
    """Where a picture is in the dataset, or why it is not."""
    manifest = sources.manifest
    if manifest is None:
        return Step("dataset", "there is none yet", {"in_dataset": False})
    verdict = sources.verdict(labels.video_id, row["frame"])
    entry = next((video for video in manifest["videos"] if video["id"] == labels.video_id), None)
    if row["dropped"] is not None or entry is None or verdict is None:
        why = "the frame was dropped" if row["dropped"] is not None else "the video is not in it yet"
        return Step("dataset", f"not in it: {why}", {"in_dataset": False})
    facts = {"split": entry["split"], "duplicate_group": entry["group"], "fingerprint": entry["fingerprint"], **verdict}
    if verdict["dropped"]:
        twin = f"{verdict['duplicate_video']}:{verdict['duplicate_frame']}" if verdict["duplicate_video"] else "its video"
        rule = {"duplicate_video": f"repeats {twin}", "split_leak": f"{twin} is in another split"}[verdict["dropped"]]
        return Step("dataset", f"left out as {verdict['dropped']}: {rule} (dataset.duplicate_bits = "
                    f"{manifest['params']['duplicate_bits']})", {"in_dataset": False, **facts})
    place = sources.place(labels.video_id, row["frame"])
    if place is None:
        return Step("dataset", f"of {entry['split']}, but in no shard: run `framewords verify`", {"in_dataset": False, **facts})
    text = (f"{place['split']}:{place['row']}, row {place['row_in_shard']} of {place['path']} (blake2b {place['digest'][:12]}); "
            f"placed by split_seed {manifest['params']['split_seed']}; manifest {manifest_digest(sources)[:12]}")
    return Step("dataset", text, {
        "in_dataset": True, **facts, **{name: place[name] for name in ("row", "row_in_shard", "path", "digest", "bytes")},
        "manifest": manifest_digest(sources), "params": manifest["params"]})


def manifest_digest(sources: Sources) -> str:
    """The digest under which the manifest was sealed."""
    return digest_json(sources.manifest)


def word_rule(row: dict[str, Any], record: dict[str, Any]) -> str:
    """Why a word is a key word, or why not, and by which list or setting."""
    if row["why_not"] is None:
        return f"a key word: rarity {row['rarity']:.2f}, visual {row['visual']:.2f}"
    rule = WORD_RULES.get(row["why_not"], row["why_not"]).format(params=_Known(record["params"]), row=row)
    lists = record["extra"].get("stopwords", {})
    if row["why_not"] in ("stopword", "filler", "not_visual"):
        sources = ", ".join(f"{language} {source}" for language, source in sorted(lists.items()))
        rule += f" ({sources + ', ' if sources else ''}lists {str(record['extra'].get('lists', ''))[:12]})"
    return f"no key word, {row['why_not']}: {rule}"


class _Known(dict[str, Any]):
    """Settings by name; what a table made by other code does not say is `?`."""

    def __missing__(self, key: str) -> str:
        return "?"
