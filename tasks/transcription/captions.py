"""Words from the captions a site has: VTT with or without word times, SRT, and YouTube's json3.

Automatic captions roll: each line is shown twice, first while it is spoken and again above the next. Such repeats are said
once and counted once. Where a line has no word times, its time is shared out by the length of the words.
"""

import html
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.errors import UnusableVideoError
from tasks.schema import Caption
from tasks.storage.artefact import Fingerprint, write_table
from tasks.transcription.words import HeardWord, Utterance, heard_table

MAX_CAPTION_BYTES = 20_000_000
TOUCHING_SECONDS = 0.1  # a line can only be a repeat of the one shown until now
ROLLING_SHARE = 0.3  # of the cues repeat the line before: nobody writes like that
# A word is not longer than this, whatever the next one's start says: what is left is a pause. Fitted on the one real pair
# of automatic captions and recogniser output at hand (210 words).
WORD_SECONDS, LETTER_SECONDS = 0.25, 0.06
SLOWEST = 2.0  # a line is shown for longer than it is spoken, yet nobody speaks slower than this times the longest words

STAMP = r"(?:\d{1,4}:)?[0-5]?\d:[0-5]?\d[.,]\d{1,3}"
TIME_LINE = re.compile(rf"\s*({STAMP})\s*-->\s*({STAMP})(?:\s.*)?$")
WORD_TIME = re.compile(rf"<({STAMP})>")
TAG = re.compile(r"<[^<>]*>")
NOT_SPEECH = re.compile(r"\[[^\[\]]*\]|^\s*\([^()]*\)\s*$|\{\\[^{}]*\}|[♪♫]|>>+")  # [Music], (applause), {\an8}, >> speaker
DASHES = re.compile(r"--+|[\u2013\u2014]")


@dataclass(frozen=True)
class Cue:
    """A stretch of caption file: when it is shown, and its lines with their tags."""

    start: float
    end: float
    lines: tuple[str, ...]


def transcribe_captions(
    video_id: str, caption: Caption, duration: float, out: Path, fingerprint: Fingerprint, reason: str = "",
) -> dict[str, Any]:
    """Write the words of a caption file at `out` (schema HEARD). Needs no sound.

    duration: seconds of the video; later words are dropped and counted.
    Returns words, dropped (counts by reason), engine, model and reason. Raises UnusableVideoError `captions_invalid`.
    """
    utterances, skipped = read_captions(caption.path, caption.format)
    model = f"{caption.language}-{caption.kind}"
    table, dropped = heard_table(video_id, utterances, duration, "captions", model)
    summary = {"words": table.num_rows, "dropped": dict(sorted({**dropped, **skipped}.items())), "engine": "captions",
               "model": model, "reason": reason}
    write_table(table, out, fingerprint, extra=summary, row_group_rows=10_000)
    return summary


def read_captions(path: Path, caption_format: str) -> tuple[list[Utterance], dict[str, int]]:
    """The words of a caption file, one utterance a line, and how many pieces of text were no speech.

    caption_format: vtt, srt or json3. Raises UnusableVideoError `captions_invalid` with the line that cannot be read.
    """
    size = path.stat().st_size
    if size > MAX_CAPTION_BYTES:
        raise _invalid(path, f"too large, {size} bytes", f"keep it under {MAX_CAPTION_BYTES}")
    raw = path.read_bytes()
    text = raw.decode("utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig", errors="surrogateescape")
    if text.lstrip()[:1] == "<":
        raise _invalid(path, "XML captions are refused", "fetch them as vtt, srt or json3")
    skipped: Counter[str] = Counter()
    if caption_format == "json3":
        utterances = _json3(path, text, skipped)
    elif caption_format in ("vtt", "srt"):
        utterances = _cue_words(_without_repeats(_cues(path, text, caption_format)), skipped)
    else:
        raise _invalid(path, f"unknown caption format {caption_format!r}", "fetch them as vtt, srt or json3")
    return utterances, dict(skipped)


def _invalid(path: Path, problem: str, remedy: str = "use another engine for this video") -> UnusableVideoError:
    return UnusableVideoError(f"{path.name}: captions invalid, {problem}", remedy, "captions_invalid")


def _cues(path: Path, text: str, caption_format: str) -> list[Cue]:
    """The cues of a VTT or SRT file. Headers, styles, notes and numbers lie outside of them."""
    cues: list[Cue] = []
    times: tuple[float, float] | None = None
    lines: list[str] = []

    def close() -> None:
        if times is not None:
            cues.append(Cue(*times, tuple(lines)))

    for number, line in enumerate(text.splitlines(), 1):
        if "-->" in line:
            if caption_format == "srt" and lines and lines[-1].strip().isdecimal():
                lines.pop()  # the number of this cue, where the blank line before it is missing
            close()
            match = TIME_LINE.match(line)
            if match is None:
                raise _invalid(path, f"bad time in line {number}: {line.strip()[:60]!r}")
            times, lines = (_seconds(match[1]), _seconds(match[2])), []
        elif not line or (caption_format == "srt" and not line.strip()):  # a VTT line may hold a space only
            close()
            times, lines = None, []
        elif times is not None:
            lines.append(line)
    close()
    if not cues:
        raise _invalid(path, "no cue in it")
    return cues


def _seconds(stamp: str) -> float:
    seconds = 0.0
    for part in stamp.replace(",", ".").split(":"):
        seconds = seconds * 60 + float(part)
    return seconds


def _without_repeats(cues: Sequence[Cue]) -> list[Cue]:
    """The same cues without the lines that only repeat what the cue before showed last, when the file rolls."""
    fresh: list[Cue] = []
    shown: list[str] = []
    shown_until = 0.0
    repeats = 0
    for cue in cues:
        lines = [line for line in cue.lines if _plain(line).strip()]
        plain = [_plain(line).strip() for line in lines]
        known = 0
        if cue.start - shown_until <= TOUCHING_SECONDS:
            known = next((n for n in range(min(len(shown), len(plain)), 0, -1) if shown[-n:] == plain[:n]), 0)
        repeats += known > 0
        fresh.append(Cue(cue.start, cue.end, tuple(lines[known:])))
        shown, shown_until = (plain or shown), cue.end
    timed = any(WORD_TIME.search(line) for cue in cues for line in cue.lines)
    rolls = timed or repeats > ROLLING_SHARE * len(cues)
    return fresh if rolls else list(cues)


def _plain(line: str) -> str:
    return html.unescape(TAG.sub("", line))


def _cue_words(cues: Sequence[Cue], skipped: Counter[str]) -> list[Utterance]:
    utterances: list[Utterance] = []
    for cue in cues:
        if any(WORD_TIME.search(line) for line in cue.lines):
            utterances += [_timed_line(line, cue, skipped) for line in cue.lines]
        else:
            texts = _tokens(_plain(" ".join(cue.lines)), skipped)
            utterances.append(_shared_out(texts, cue.start, cue.end))
    return [utterance for utterance in utterances if utterance]


def _timed_line(line: str, cue: Cue, skipped: Counter[str]) -> Utterance:
    """The words of a line with word times: each begins at the stamp before it, the first with the cue."""
    parts = WORD_TIME.split(line)  # text, stamp, text, stamp, text ...
    starts = [cue.start, *(_seconds(stamp) for stamp in parts[1::2])]
    ends = [*starts[1:], cue.end]
    words: Utterance = []
    for text, start, end in zip(parts[::2], starts, ends, strict=True):
        tokens = _tokens(_plain(text), skipped)
        until = max(start, min(end, start + sum(_longest(token) for token in tokens)))
        words += _shared_out(tokens, start, until, "word")
    return words


def _longest(word: str) -> float:
    """Seconds a word may take when the next one starts late."""
    return WORD_SECONDS + LETTER_SECONDS * len(word)


def _tokens(text: str, skipped: Counter[str]) -> list[str]:
    """The words of a text; sound descriptions and lone signs are counted as `not_speech`."""
    text, removed = NOT_SPEECH.subn(" ", text)
    pieces = DASHES.sub(" ", text).split()
    words = [piece for piece in pieces if any(letter.isalnum() for letter in piece) or not piece.isprintable()]
    if lone := removed + len(pieces) - len(words):
        skipped["not_speech"] += lone
    return words


def _shared_out(texts: Sequence[str], start: float, end: float, source: str = "segment") -> Utterance:
    """Words that share one stretch of time by their length. A word alone in its stretch has its own time."""
    total = sum(len(text) + 1 for text in texts)
    end = min(end, start + SLOWEST * sum(_longest(text) for text in texts))
    source = "word" if len(texts) == 1 else source
    words: Utterance = []
    done = 0
    for text in texts:
        begin = start + (end - start) * done / total
        done += len(text) + 1
        words.append(HeardWord(text, begin, start + (end - start) * done / total, timing_source=source))
    return words


def _json3(path: Path, text: str, skipped: Counter[str]) -> list[Utterance]:
    """YouTube's own format: events of segments, each with its offset, and a confidence where the site gives one."""
    try:
        events = json.loads(text)["events"]
        lines = [(event, [segment for segment in event.get("segs") or [] if str(segment["utf8"]).strip()]) for event in events]
        rated = any(segment.get("acAsrConf") for _, segments in lines for segment in segments)
        starts = [float(event["tStartMs"]) / 1000 for event, segments in lines if segments]
        utterances = []
        for (event, segments), following in zip(
                [line for line in lines if line[1]], [*starts[1:], float("inf")], strict=True):
            utterances.append(_json3_line(event, segments, following, rated, skipped))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise _invalid(path, f"not whole json3 ({type(error).__name__}: {str(error)[:60]})") from error
    if not utterances:
        raise _invalid(path, "no event with text in it")
    return [utterance for utterance in utterances if utterance]


def _json3_line(
    event: dict[str, Any], segments: list[dict[str, Any]], following: float, rated: bool, skipped: Counter[str],
) -> Utterance:
    start = float(event["tStartMs"]) / 1000
    # Lines stay on screen while the next is spoken, so a line is over when the next begins.
    end = min(start + float(event.get("dDurationMs", 0)) / 1000, max(following, start))
    if not any("tOffsetMs" in segment for segment in segments):
        return _shared_out(_tokens(_plain("".join(segment["utf8"] for segment in segments)), skipped), start, end)
    begins = [start + float(segment.get("tOffsetMs", 0)) / 1000 for segment in segments]
    words: Utterance = []
    for segment, begin, limit in zip(segments, begins, [*begins[1:], end], strict=True):
        tokens = _tokens(_plain(segment["utf8"]), skipped)
        until = max(begin, min(limit, begin + sum(_longest(token) for token in tokens)))
        confidence = float(segment.get("acAsrConf", 255)) / 255 if rated else 1.0
        words += [HeardWord(word.text, word.start, word.end, confidence, "word")
                  for word in _shared_out(tokens, begin, until, "word")]
    return words
