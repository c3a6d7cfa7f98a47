"""What is being asked: a picture, a word, a picture and a word, a row of the dataset, or a video."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from tasks.errors import InputError

PLACE = re.compile(
    r"(?P<name>[A-Za-z0-9_-]{1,64})(?::(?P<number>\d{1,9})|@(?P<clock>(?:\d{1,3}:){0,2}\d{1,6}(?:\.\d+)?)s?)(?:\s+(?P<word>\S.*))?")
HASH = re.compile(r"(?:0x)?(?:[0-9a-f]{16}|[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})", re.IGNORECASE)
MAX_CHARACTERS = 300

Kind = Literal["frame", "moment", "row", "hash", "video", "word"]


@dataclass(frozen=True)
class Question:
    """kind: what `name` and `number` are: a video and a frame of it, a video and seconds, a split and a row, hex digits of a
    picture, a video, or a word. word: of the picture that is meant; empty for all of them.
    """

    kind: Kind
    name: str
    number: float = 0
    word: str = ""


def parse_question(text: str, videos: Collection[str], splits: Collection[str]) -> Question:
    """Raises InputError when nothing, or too much, is asked."""
    text = text.strip()
    if not text or len(text) > MAX_CHARACTERS or not text.isprintable():
        raise InputError("nothing that can be asked about", "give VIDEO:FRAME, VIDEO@SECONDS, a word, train:ROW or a video")
    if text in videos:
        return Question("video", text)
    if match := PLACE.fullmatch(text):
        name, word = match["name"], match["word"] or ""
        if match["clock"]:
            seconds = 0.0
            for part in match["clock"].split(":"):
                seconds = seconds * 60 + float(part)
            return Question("moment", name, seconds, word)
        return Question("row" if name in splits and name not in videos else "frame", name, int(match["number"]), word)
    if HASH.fullmatch(text):
        return Question("hash", text.lower().removeprefix("0x"))
    return Question("word", text)
