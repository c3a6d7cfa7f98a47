"""One channel: its look, its two voices, its camera and encoder, how often it publishes and how often it is watched."""

import math
import random
from dataclasses import dataclass

from tests.bed import draw
from tests.bed.speech import VOICES, Voice

NAMES = "happy little green great fresh blue sunny white old big good quick".split()
PLACES = "kitchen garden valley village island beach street room camp world lake forest".split()


@dataclass(frozen=True)
class Channel:
    id: str
    name: str
    style: draw.Style
    voices: list[Voice]
    fps: int
    gop: int  # frames between keyframes
    crf: int
    head_share: float  # how often a talking head is shown
    snr_db: int | None
    who: draw.Person
    views_per_day: float
    every_days: float


def make_channel(seed: int, number: int) -> Channel:
    """Channel 0, 1, 2 ... of a seed."""
    r = random.Random(f"{seed}/channel/{number}")
    voices = list(VOICES)
    random.Random(f"{seed}/voices").shuffle(voices)
    mine = [voices[(2 * number + k) % len(voices)] for k in (0, 1)]
    first, place = NAMES[(number * 5 + r.randrange(3)) % len(NAMES)], PLACES[(number * 7 + r.randrange(3)) % len(PLACES)]
    return Channel(
        id=f"{first}-{place}-{number + 1}",
        name=f"{first} {place} {number + 1}".title(),
        style=draw.channel_style(r),
        voices=[Voice(f"en-us+{v}", r.randint(145, 180), r.randint(30, 70), r.randint(35, 70)) for v in mine],
        fps=r.choice([24, 25]),
        gop=r.choice([48, 60, 72, 96, 120]),
        crf=r.choice([23, 26, 29]),
        head_share=r.uniform(0.1, 0.22),
        snr_db=r.choice([None, 40, 30, 24]),
        who=draw.person(r),
        views_per_day=round(math.exp(r.uniform(3.5, 7)), 1),
        every_days=r.uniform(1, 4),
    )
