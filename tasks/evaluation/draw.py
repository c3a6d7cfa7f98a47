"""Pictures of a net: how it learnt, what it finds, what it mixes up, and how versions compare. SVG and, for `dvc plots`, CSV."""

import base64
import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tasks.errors import IntegrityError
from tasks.evaluation import chart, metrics
from tasks.evaluation.card import read_card
from tasks.evaluation.champion import list_models
from tasks.evaluation.chart import DOUBTFUL, INK, RIGHT, SOFT, WRONG, Line, box, text
from tasks.evaluation.evaluate import Evaluation
from tasks.evaluation.split import read_pictures
from tasks.storage.atomic import write_whole

METRICS = "metrics.json"
QUERIES, FOUND = 8, 6  # rows and pictures of the retrieval sheet
SURE, SOME = 0.5, 0.1  # label weight from which a picture counts as right, or as doubtful
THUMBNAIL = (176, 99)
CONFUSED = 12  # words
RIGHT_RGB, WRONG_RGB, OTHER_RGB = (26, 138, 79), (196, 54, 44), (110, 110, 110)
VERSIONS = 12  # the last so many
FIGURES = {"precision_at_1": "first word right", "r_at_10": "found in first 10", "recall_at_5": "labels in first 5",
           "calibration_error": "calibration error"}


def draw_evaluation(
    folder: Path, evaluation: Evaluation, figures: Mapping[str, Mapping[str, float]],
) -> list[Path]:
    """Write metrics.json, calibration.csv, confusion.csv, learning.svg, retrieval.svg and confusion.svg into a net's folder.

    figures: by slice, as gate.measure_slices gives them. Of a broken net there is only metrics.json, with its faults, and
    learning.svg. Raises IntegrityError when curves.csv is damaged.
    """
    told: dict[str, Any] = {name.replace(" ", "_"): values for name, values in figures.items()}
    if not told:
        told["faults"] = list(evaluation.faults)
    written = [_write(folder / METRICS, json.dumps(told, indent=1, sort_keys=True).encode() + b"\n")]
    if (folder / "curves.csv").is_file():
        written.append(_write(folder / "learning.svg", draw_learning(folder / "curves.csv")))
    if evaluation.answers is None:
        return written
    pairs = confusion_pairs(evaluation)
    reliable = metrics.reliability(evaluation.split, evaluation.answers, metrics.everything(evaluation.split))
    return [*written, _write(folder / "retrieval.svg", draw_retrieval(evaluation)),
            _write(folder / "confusion.svg", draw_confusion(pairs)),
            _write(folder / "confusion.csv", _table(("label", "answer"), pairs)),
            _write(folder / "calibration.csv", _table(("probability", "right", "answers"), (
                (f"{said:.4f}", f"{right:.4f}", many) for many, said, right in reliable)))]


def draw_versions(models: Path, net: str) -> bytes | None:
    """The figures of all judged versions of a net, the champion's as large dots, those refused as rings; None without any."""
    listed = [model for model in list_models(models) if model.net == net and model.figures]
    cards = {model.version: read_card(models / net / model.version) for model in listed}
    listed.sort(key=lambda model: (cards[model.version].get("dataset", {}).get("videos", 0), model.version))
    listed = listed[-VERSIONS:]
    if not listed:
        return None
    hollow = frozenset(at for at, model in enumerate(listed) if model.verdict and not model.verdict.passed)
    strong = frozenset(at for at, model in enumerate(listed) if model.is_champion)
    lines = [Line(said, [(at, model.figures[name]) for at, model in enumerate(listed)], hollow, strong)
             for name, said in FIGURES.items() if all(name in model.figures for model in listed)]
    across = [(float(at), model.version[:7]) for at, model in enumerate(listed)]
    parts = [text(24, 36, f"Versions of {net}", size=20, bold=True),
             text(24, 60, "On the test split. Large dot: in use. Ring: refused.", colour=SOFT),
             *chart.plot(76, 84, 560, 260, lines, across=across, up=(0, 1), percent=True)]
    parts += [text(76 + 560 * (at / (len(listed) - 1) if len(listed) > 1 else 0.5), 384,
                   f"{cards[model.version].get('dataset', {}).get('videos', '?')} videos", size=12, colour=SOFT, anchor="middle")
              for at, model in enumerate(listed)]
    return chart.page(830, 404, parts)


def draw_learning(curves: Path) -> bytes:
    """Loss by epoch, of training and validation; the best validation marked. curves: curves.csv of a training."""
    try:
        rows = list(csv.DictReader(curves.read_text().splitlines()))
        train, held_out = ([(float(row["epoch"]), float(row[name])) for row in rows]
                           for name in ("train_loss", "validation_loss"))
        values = [loss for _, loss in (*train, *held_out) if np.isfinite(loss)]
        best = min(range(len(rows)), key=lambda at: held_out[at][1])
        seen = int(rows[-1]["samples"])
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise IntegrityError(f"{curves}: not learning curves ({type(error).__name__})", "train again") from error
    lines = [Line("validation", held_out, strong=frozenset([best])), Line("training", train)]
    step = -(-len(rows) // 8)
    across = [(epoch, f"{epoch:g}") for epoch in sorted({train[0][0], *(e for e, _ in train[step - 1::step]), train[-1][0]})]
    kept = [at for at, (epoch, _) in enumerate(across) if at == len(across) - 1 or across[-1][0] - epoch >= step / 2]
    parts = [text(24, 36, "How it learnt", size=20, bold=True),
             text(24, 60, "Loss by epoch, lower is better. Large dot: the least on videos that it did not train on. "
                  f"{seen:,} pictures shown.", colour=SOFT),
             *chart.plot(76, 84, 640, 260, lines, across=[across[at] for at in kept], up=chart.round_range(values),
                         percent=False),
             text(76 + 320, 392, "epoch", size=13, colour=SOFT, anchor="middle")]
    return chart.page(830, 404, parts)


@dataclass(frozen=True)
class Query:
    """A word and the first pictures found for it, with the chance that each shows it."""

    word: str
    pictures: NDArray[np.int64]
    weights: NDArray[np.float32]


def choose_queries(evaluation: Evaluation) -> list[Query]:
    """The words that most test pictures show, and what the net finds for them."""
    split, answers = evaluation.split, evaluation.answers
    assert answers is not None
    expected = np.bincount(split.pairs[1], split.pairs[2], len(split.words))
    chosen = np.argsort(-expected, kind="stable")[:QUERIES]
    queries = []
    for word in chosen.tolist():
        pictures = np.argsort(-(answers.pictures @ answers.queries[word]), kind="stable")[:FOUND]
        queries.append(Query(split.words[word], pictures, split.weights(pictures, np.full(len(pictures), word))))
    return queries


def shown_videos(evaluation: Evaluation) -> list[str]:
    """The videos whose pictures are on the retrieval sheet, sorted."""
    if evaluation.answers is None:
        return []
    pictures = np.concatenate([query.pictures for query in choose_queries(evaluation)])
    return sorted({evaluation.split.videos[video] for video in evaluation.split.video_of[pictures].tolist()})


def draw_retrieval(evaluation: Evaluation) -> bytes:
    """A row a word, its first pictures from left to right: framed green when right, amber when doubtful, red when wrong."""
    queries = choose_queries(evaluation)
    wanted = {int(picture) for query in queries for picture in query.pictures}
    small = {at: _thumbnail(jpeg) for at, jpeg in enumerate(read_pictures(evaluation.split)) if at in wanted}
    across, down = THUMBNAIL
    left, top, gap = 130, 96, 12
    parts = [text(24, 36, "Asked for a word, it finds", size=20, bold=True), *_legend(24, 64)]
    for row, query in enumerate(queries):
        y = top + row * (down + gap + 4)
        parts.append(text(left - 16, y + down / 2 - 2, query.word, size=17, bold=True, anchor="end", room=left - 24))
        right = f"{sum(weight >= SURE for weight in query.weights)} of {len(query.weights)} right"
        parts.append(text(left - 16, y + down / 2 + 18, right, size=13, colour=SOFT, anchor="end"))
        for column, (picture, weight) in enumerate(zip(query.pictures, query.weights, strict=True)):
            parts += _framed(left + column * (across + gap), y, small.get(int(picture)), float(weight))
    return chart.page(left + FOUND * (across + gap) + 12, top + len(queries) * (down + gap + 4) + 10, parts)


def confusion_pairs(evaluation: Evaluation) -> list[tuple[str, str]]:
    """(heaviest label, answer) of each picture that surely shows something, in order. An answer that the labels bear out too
    counts as the label.
    """
    split, answers = evaluation.split, evaluation.answers
    assert answers is not None
    heaviest: dict[int, tuple[float, int]] = {}
    for picture, word, weight in zip(*(part.tolist() for part in split.pairs), strict=True):
        if weight >= SURE and weight > heaviest.get(picture, (0.0, 0))[0]:
            heaviest[picture] = weight, word
    right = split.weights(np.arange(len(answers.best)), answers.best[:, 0]) >= SURE
    return [(split.words[word], split.words[word] if right[picture] else answers.answered[picture])
            for picture, (_, word) in sorted(heaviest.items())]


def draw_confusion(pairs: Sequence[tuple[str, str]]) -> bytes:
    """Of the pictures of the commonest words, which word was said: shares of each row, the diagonal right."""
    words = [word for word, _ in Counter(label for label, _ in pairs).most_common(CONFUSED)]
    columns = [*words, "another"]
    counts = {word: Counter(answer if answer in words else "another" for label, answer in pairs if label == word)
              for word in words}
    cell, left, top = 50, 170, 170
    parts = [text(24, 36, "Shown this, it says that", size=20, bold=True),
             text(24, 60, "Rows: what the picture shows. Columns: what the net said first, in per cent of the row. "
                  "Green is right.", colour=SOFT)]
    if not words:
        parts.append(text(24, 100, "No picture has a label that is surely right.", colour=SOFT))
    for at, word in enumerate(columns):
        x = left + at * cell + cell / 2 + (8 if word == "another" else 0)
        parts.append(f'<g transform="translate({x + 5:.1f},{top - 10}) rotate(-55)">'
                     f'{text(0, 0, word, colour=SOFT if word == "another" else INK, room=110)}</g>')
    for row, word in enumerate(words):
        y, total = top + row * cell, counts[word].total()
        parts.append(text(left - 52, y + cell / 2 + 5, word, bold=True, anchor="end", room=left - 70))
        parts.append(text(left - 12, y + cell / 2 + 5, total, size=12, colour=SOFT, anchor="end"))
        for column, answer in enumerate(columns):
            share = counts[word][answer] / total
            tint = RIGHT_RGB if answer == word else OTHER_RGB if answer == "another" else WRONG_RGB
            parts += _cell(left + column * cell + (8 if answer == "another" else 0), y, cell, share, tint)
    return chart.page(max(820, left + len(columns) * cell + 70), top + len(words) * cell + 24, parts)


def _cell(x: float, y: float, side: int, share: float, tint: tuple[int, int, int]) -> Iterator[str]:
    fade = min(1.0, share * (1.6 if tint == WRONG_RGB else 1))
    colour = "#" + "".join(f"{round(255 + (part - 255) * fade):02x}" for part in tint)
    yield box(x, y, side - 2, side - 2, colour if share else "#f6f6f6", stroke=RIGHT if tint == RIGHT_RGB else "none", thick=1)
    if share >= 0.005:
        yield text(x + side / 2 - 1, y + side / 2 + 4, f"{100 * share:.0f}", size=14, anchor="middle",
                   colour="#fff" if fade > 0.55 else INK)


def _legend(x: float, y: float) -> Iterator[str]:
    said = ((RIGHT, "✓", "labelled so, likely right"), (DOUBTFUL, "?", "labelled so, doubtful"), (WRONG, "✗", "no label says so"))
    for colour, sign, meaning in said:
        yield box(x, y - 13, 18, 18, colour)
        yield text(x + 9, y + 1, sign, colour="#fff", bold=True, anchor="middle")
        yield text(x + 26, y + 1, meaning, colour=SOFT)
        x += 60 + len(meaning) * 14 * chart.LETTER


def _framed(x: float, y: float, picture: bytes | None, weight: float) -> Iterator[str]:
    colour, sign = (RIGHT, "✓") if weight >= SURE else (DOUBTFUL, "?") if weight >= SOME else (WRONG, "✗")
    across, down = THUMBNAIL
    if picture:
        address = "data:image/webp;base64," + base64.b64encode(picture).decode()
        yield f'<image x="{x}" y="{y}" width="{across}" height="{down}" preserveAspectRatio="xMidYMid slice" href="{address}"/>'
    yield box(x, y, across, down, "none", stroke=colour, thick=4)
    yield box(x, y, 24, 24, colour)
    yield text(x + 12, y + 17, sign, size=15, colour="#fff", bold=True, anchor="middle")


def _thumbnail(jpeg: bytes) -> bytes:
    with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as image:
        image.draft("RGB", THUMBNAIL)
        small = image.convert("RGB")
    small.thumbnail((THUMBNAIL[0] * 2, THUMBNAIL[1] * 2))
    buffer = io.BytesIO()
    small.save(buffer, "WEBP", quality=50, method=2)
    return buffer.getvalue()


def _table(head: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> bytes:
    told = io.StringIO(newline="")
    csv.writer(told, lineterminator="\n").writerows([head, *rows])
    return told.getvalue().encode()


def _write(path: Path, content: bytes) -> Path:
    write_whole(path, content)
    return path
