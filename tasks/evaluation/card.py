"""The model card: what a net was made from, how good it is, and what it is not to be used for. card.json and README.md."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from tasks.dataset.manifest import read_manifest, shard_paths
from tasks.errors import IntegrityError
from tasks.evaluation.evaluate import WEIGHTS, Evaluation
from tasks.evaluation.gate import Verdict, headline
from tasks.storage.artefact import digest_file
from tasks.storage.atomic import write_whole

CARD, README = "card.json", "README.md"
SPLITS = ("train", "validation", "test")
PICTURES = {
    "learning.svg": "Learning curves", "retrieval.svg": "Words and the pictures found for them",
    "confusion.svg": "The commonest words and what was said instead"}
CELL_CHARACTERS = 80
MEANT_FOR = """\
Words for a picture and pictures for words, within the subjects that the dataset's channels speak about: browsing and searching a
collection, choosing pictures to look at, finding labels worth a person's look.
"""
NOT_FOR = """\
- Recognising or telling apart people, or guessing anything about them: who they are, their age, sex, origin, health or mood.
- Surveillance, policing, border control, hiring, credit, insurance, or any other decision about a person.
- Medical, safety or legal decisions: a word that the net says, or does not say, proves nothing about what is there.
- Deciding what a video contains, for moderation, takedowns or advertising: it has seen single pictures and heard
  what people said near them, not what happens.
- Warning of what may harm: allergens, fire, tools, traffic. It misses most of what it was never told about.
- Pictures of another kind than its channels show. Nothing was measured there.
"""
LIMITS = """\
- It learnt from speech heard near pictures. About half of what is said is not in view; what people like to talk about, it says
  too readily, and what they never name, it does not know.
- Its figures are measured on labels of the same kind, taken as probably right with their weight: docs/evaluation.md says how.
- Channels are few and each has its own rooms, habits and accents; the figures are of channels it was not trained on.
"""


@dataclass(frozen=True)
class Seen:
    """What a net was trained on, by its card. known: every channel of its dataset, in any split."""

    videos: frozenset[str]
    channels: frozenset[str]
    known: frozenset[str]


def write_card(
    folder: Path, dataset: Path, params: Mapping[str, Any], *, code: str, dataset_version: str = "", base: Path | None = None,
) -> None:
    """Write the card of a net that has just been trained on the dataset, without figures.

    folder: of the version; holds net.json, weights.safetensors and training.json. params: the settings, by section.
    code: version of the software. base: folder of the version that it went on from; what that had seen, this has too.
    Raises IntegrityError when a file of the net is damaged.
    """
    manifest = read_manifest(dataset)
    rows = _videos(dataset, manifest)
    before = read_seen(base) if base else Seen(frozenset(), frozenset(), frozenset())
    train = {video for video, (split, _, _, _) in rows.items() if split == "train"}
    trained = {channel for split, channel, _, _ in rows.values() if split == "train"}
    net, made = _read(folder / "net.json"), _read(folder / "training.json")
    card = {
        "net": folder.parent.name, "version": folder.name, "base": base.name if base else "", "code": code,
        "dataset_version": dataset_version, "dataset": {
            "digest": _digest(dataset), "videos": len(rows), "pictures": sum(row[3] for row in rows.values()),
            "hours": round(sum(split["seconds"] for split in manifest["splits"].values()) / 3600, 3),
            "licences": _counted((licence or "not stated", many) for _, _, licence, many in rows.values()),
            "engines": manifest["engines"]},
        "channels": sorted({channel for _, channel, _, _ in rows.values()} | before.known),
        "trained_channels": sorted(trained | before.channels) if manifest["params"]["split_by"] == "channel" else [],
        "trained_on": sorted(train | before.videos), "params": dict(params), "seed": params.get("training", {}).get("seed"),
        "spec": net["spec"], "words": len(net["vocabulary"]), "weights": digest_file(folder / WEIGHTS),
        "training": {key: made[key] for key in ("samples_seen", "pictures", "calibration_error", "kept") if key in made}}
    _publish(folder, card)


def add_results(
    folder: Path, evaluation: Evaluation, verdict: Verdict, figures: Mapping[str, Mapping[str, float]], shown: Iterable[str] = (),
) -> None:
    """Add the figures and the verdict to the card of a net; a card that is not there is begun.

    figures: by slice, as gate.measure_slices gives them.
    shown: videos whose pictures are drawn in the folder, so that they are found there when one is to be forgotten.
    Raises IntegrityError when the card is damaged.
    """
    card = read_card(folder) or {"net": folder.parent.name, "version": folder.name, "weights": evaluation.weights}
    pictures = [name for name in PICTURES if (folder / name).is_file()]
    _publish(folder, {
        **card, "metrics": figures.get("all", {}), "slices": {name: found for name, found in figures.items() if name != "all"},
        "judged_on": evaluation.split.digest, "pictures": pictures, "pictures_of": sorted(shown),
        "verdict": {"passed": verdict.passed, "against": verdict.champion, "reasons": list(verdict.reasons),
                    "table": list(headline(verdict))}})


def read_card(folder: Path) -> dict[str, Any]:
    """The card of a net, empty when it has none. Raises IntegrityError when it is damaged."""
    return _read(folder / CARD) if (folder / CARD).is_file() else {}


def read_seen(folder: Path) -> Seen:
    """What a net has seen; nothing when it has no card."""
    card = read_card(folder)
    try:
        return Seen(*(frozenset(map(str, card.get(key, ()))) for key in ("trained_on", "trained_channels", "channels")))
    except TypeError as error:
        raise IntegrityError(f"{folder / CARD}: not a model card", "restore it with `dvc checkout`") from error


def _read(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise IntegrityError(f"{path}: damaged or missing", "restore it with `dvc checkout`, or train again") from error


def _digest(dataset: Path) -> str:
    return str(json.loads((dataset / "manifest.json").read_bytes())["digest"])


def _videos(dataset: Path, manifest: dict[str, Any]) -> dict[str, tuple[str, str, str, int]]:
    """(split, channel, licence, pictures) of every video that has rows."""
    found: dict[str, tuple[str, str, str, int]] = {}
    for split in SPLITS:
        for path in shard_paths(dataset, manifest, split):
            table = pq.ParquetFile(path).read(columns=["video_id", "channel", "licence"])
            for (video, channel, licence), many in Counter(zip(*table.to_pydict().values(), strict=True)).items():
                before = found.get(video)
                found[video] = split, channel or "", licence or "", many + (before[3] if before else 0)
    return found


def _counted(pairs: Iterable[tuple[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for name, many in pairs:
        total[name] += many
    return dict(sorted(total.items()))


def _publish(folder: Path, card: dict[str, Any]) -> None:
    write_whole(folder / CARD, json.dumps(card, indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n")
    write_whole(folder / README, ("\n\n".join(_page(card)) + "\n").encode())


def _page(card: Mapping[str, Any]) -> list[str]:
    dataset = card.get("dataset", {})
    parts = [f"# {card['net']} {card['version']}", "Pictures to words, and words to pictures."]
    if forgotten := card.get("forgotten"):
        parts.append(f"> **Note:** it saw {len(forgotten)} videos that have been forgotten since. Train again without them.")
    parts += ["## What it is for", MEANT_FOR.strip(), "## What it must not be used for", NOT_FOR.strip()]
    if card.get("metrics"):
        parts += ["## How good it is", _figures(card), "## The gate", "\n".join(card["verdict"]["table"])]
    elif "verdict" in card:
        parts += ["## How good it is", f"Not measured: {_cell(card['verdict']['reasons'][0], 300)}."]
    parts += [f"![{PICTURES[name]}]({name})" for name in card.get("pictures", ())]
    parts += ["## Known limits", LIMITS.strip(), "## How it was made", _table(("", ""), _made(card))]
    if "params" in card:
        spec = ", ".join(f"{key}={value}" for key, value in sorted(card["spec"].items()))
        settings = [(section, ", ".join(f"{key}={value}" for key, value in sorted(values.items())))
                    for section, values in sorted(card["params"].items())]
        parts.append(_table(("settings", ""), [("net as built", spec), *settings], 1_000))
    licences = dataset.get("licences", {})
    return [*parts, "## Licences of the pictures it was made from", _table(("licence", "pictures"), licences.items()),
            "The net's own licence is yours to choose, as far as these allow."]


def _made(card: Mapping[str, Any]) -> list[tuple[str, Any]]:
    dataset, training = card.get("dataset", {}), card.get("training", {})
    sizes = ", ".join(str(dataset.get(name, "?")) for name in ("videos", "pictures", "hours"))
    return [
        ("dataset", card.get("dataset_version") or dataset.get("digest", "not known")), ("videos, pictures, hours", sizes),
        ("trained on", f"{len(card.get('trained_on', []))} videos"),
        ("went on from", card.get("base") or "nothing: from scratch"),
        ("words it knows", card.get("words", "?")), ("pictures shown, with repeats", training.get("samples_seen", "?")),
        ("seed", card.get("seed", "?")), ("software", card.get("code", "?")), ("weights", card.get("weights", "?"))]


def _figures(card: Mapping[str, Any]) -> str:
    """A table: a figure a line, a slice a column."""
    columns = {"all": card["metrics"], **card["slices"]}
    names = [name for name in card["metrics"] if not name.endswith("_ceiling")]
    lines = [(name, *(_figure(name, figures[name]) if name in figures else "" for figures in columns.values())) for name in names]
    best = [f"{_figure(name, card['metrics'][f'{name}_ceiling'])} for {name}"
            for name in ("precision_at_1", "precision_at_5") if f"{name}_ceiling" in card["metrics"]]
    return _table(("", *columns), lines) + f"\n\nThe labels are doubtful themselves: no net can show more than {', '.join(best)}."


def _figure(name: str, value: float) -> str:
    return f"{value:g}" if name in ("videos", "pictures", "words_asked", "median_rank") else f"{100 * value:.1f} %"


def _table(head: Sequence[str], lines: Iterable[Sequence[Any]], characters: int = CELL_CHARACTERS) -> str:
    rows = [[_cell(value, characters) for value in line] for line in (head, *lines)]
    rows.insert(1, ["---"] * len(head))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cell(value: Any, characters: int = CELL_CHARACTERS) -> str:
    """Text of unknown origin as one Markdown cell: no control characters, no markup, not endless."""
    text = "".join(sign if sign.isprintable() else " " for sign in str(value))[:characters]
    return "".join("\\" + sign if sign in "\\`*[]<>|#" else sign for sign in text)
