"""What is said: sentences inside the recogniser's vocabulary, and exact word times from espeak-ng's own events."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tests.bed.espeak import Espeak, Event
from tests.bed.phones import SIL, VOICELESS_STOPS, fold
from tests.bed.vocabulary import VOCABULARY

FILLERS = frozenset({"um", "uh"})  # the only words outside VOCABULARY; marked as fillers in the truth
# Voices the recogniser was not trained on, then some it was.
VOICES = ("f4", "m5", "Alicia", "Michael", "john", "linda", "Andy", "belinda", "robert")

PLURAL, MASS = frozenset({"flowers", "stars"}), frozenset({"bread", "cheese", "rain"})
KINDS = {
    "food": "onion carrot apple lemon egg cheese bread cake fish".split(),
    "tool": "knife fork spoon pan pot bowl cup".split(),
    "place": "mountain river road bridge house tree".split(),
    "ride": "car bus train plane boat".split(),
    "animal": "cat dog bird horse cow fish".split(),
}

# N stands for the noun, ADJ for an adjective, NUM for a number; aN and aADJ take an article that fits.
ABOUT = """
look at the N
here you can see the N
now look at the N here
i really like this N
what do you think about the N
so here is the N that we want to show you
there is aADJ N here
let's look at this N again
and then we have the N
my friend has aN like this
one more time here is the N
and here we have aADJ N
you can see that the N is very ADJ
the N is really ADJ
we want to take the N with us
it is the N that i like
he said that the N was ADJ
please look at the N from here
and this is the N
do you see the N
""".strip().splitlines()
BY_KIND = {
    "food": [
        "first we wash the N and then we wait",
        "we cut the N slowly and carefully",
        "you want to taste the N when it is ready",
        "we need one more N for our dinner",
        "put the N down and wash your hands",
    ],
    "tool": ["take the N and wash it", "keep the N clean and dry", "we need the N to make our dinner"],
    "place": [
        "in the morning we walked to the N",
        "we came to the N after five hours",
        "we stop near the N because it is ADJ",
    ],
    "ride": ["we will travel by N tomorrow", "the N was too slow", "we wait for the N every morning"],
    "animal": ["the N will sleep now", "we give some water to the N", "the N is asleep and we are happy"],
}
ELSEWHERE = """
tomorrow i will show you the N
i want aN but not today
my family had aN at home
when i was a child we had aN
next time we will look at the N
before this video we saw the N
we did not find the N
they never had aADJ N
""".strip().splitlines()
NOTHING = """
thank you for watching
hello and welcome
i am very happy today
what do you think about this
we have to wait for NUM minutes
it was a beautiful day and we were tired
please send a message to my friends
you know it is not easy
so let's start now
i will be back in NUM seconds
it is too cold to work outside
tell your friends about this video
the music is very good today
one of the children was tired
it is not hard if you go slowly
we work here every day
do you want to help me
i think that it is time to eat
""".strip().splitlines()
ADJECTIVES = "happy cold warm big small new old good beautiful slow long short fresh clean dry wet little great".split()
NUMBERS = "two three four five six seven eight nine ten".split()
SLOTS = frozenset({"N", "ADJ", "NUM", "aN", "aADJ"})


class Sentence(NamedTuple):
    words: list[str]
    noun_at: int | None  # which word is the noun
    fillers: list[int]  # which words are fillers


class TimedWord(NamedTuple):
    word: str
    start: float
    end: float


@dataclass(frozen=True)
class Voice:
    """voice: espeak-ng's name. wpm: words a minute. pitch, pitch_range: 0-100."""

    voice: str
    wpm: int
    pitch: int
    pitch_range: int


def make_sentence(kind: str, noun: str | None, r: random.Random) -> Sentence:
    """A sentence that names `noun` (kind `on` or `off`) or no object at all (kind `none`)."""
    if kind == "none" or noun is None:
        words = _fill(r.choice(NOTHING), "", r)
        at = None
    else:
        pool = ABOUT + [t for k, names in KINDS.items() if noun in names for t in BY_KIND[k] for _ in (0, 1)]
        if kind == "off" and r.random() < 0.5:
            pool = ELSEWHERE
        words = _fill(r.choice(pool), noun, r)
        if noun in PLURAL:
            _agree(words, words.index(noun))
        at = words.index(noun)
    for k in range(len(words) - 1):
        if words[k] == "a" and words[k + 1][0] in "aeiou":
            words[k] = "an"
    marked = [(word, k == at, False) for k, word in enumerate(words)]
    if r.random() < 0.35:
        lead = r.choice(["um", "uh", "you know", "so", "and so", "i think", "now"])
        marked = [(word, False, True) for word in lead.split()] + marked
    if r.random() < 0.15 and len(marked) > 3:
        k = r.randint(1, len(marked) - 2)
        marked[k:k] = [(word, False, True) for word in r.choice(["um", "uh", "you know", "like"]).split()]
    said = [word for word, _, _ in marked]
    unknown = set(said) - VOCABULARY - FILLERS
    assert not unknown, unknown
    noun_at = next((k for k, (_, is_noun, _) in enumerate(marked) if is_noun), None)
    return Sentence(said, noun_at, [k for k, (_, _, filler) in enumerate(marked) if filler])


def _fill(template: str, noun: str, r: random.Random) -> list[str]:
    words = []
    for slot in template.split():
        if slot in ("aN", "aADJ"):
            words.append("some" if noun in PLURAL | MASS else "a")
        if slot in ("N", "aN"):
            words.append(noun)
        elif slot in ("ADJ", "aADJ"):
            words.append(r.choice(ADJECTIVES))
        elif slot == "NUM":
            words.append(r.choice(NUMBERS))
        else:
            words.append(slot)
    return words


def _agree(words: list[str], at: int) -> None:
    """Put the verbs and pronouns near a plural noun in the plural."""
    plural = {"is": "are", "was": "were", "this": "these"}
    for k in range(max(0, at - 2), min(len(words), at + 3)):
        words[k] = plural.get(words[k], words[k])


def check_templates(objects: Iterable[str]) -> None:
    """Raise ValueError when a template says an object by itself, or a word the recogniser does not know."""
    names = set(objects)
    for template in ABOUT + ELSEWHERE + NOTHING + [t for templates in BY_KIND.values() for t in templates]:
        words = set(template.split()) - SLOTS
        if words & names or not words <= VOCABULARY:
            raise ValueError(f"{template!r} says {sorted(words & names)}, unknown {sorted(words - VOCABULARY)}")


class Speaker:
    def __init__(self) -> None:
        self.espeak = Espeak()
        self.rate = self.espeak.rate  # Hz

    def say(self, words: Sequence[str], voice: Voice) -> tuple[NDArray[np.float32], list[TimedWord]] | None:
        """-> (samples, words with their times in seconds), or None when espeak-ng's events do not fit the words."""
        parameters = {"wpm": voice.wpm, "pitch": voice.pitch, "pitch_range": voice.pitch_range}
        audio, events = self.espeak.say(" ".join(words), voice.voice, parameters)
        phones, groups = _phones_of(words, events, "us" if voice.voice.startswith("en-us") else "gb")
        if not groups or groups[0][0] != 0:
            return None
        starts = _shift_stops(phones)
        ends = [*starts[1:], len(audio) / self.rate]
        timed: list[TimedWord] = []
        for (first, phone), (after, phone_after) in zip(groups, [*groups[1:], (len(words), len(phones))], strict=True):
            if after <= first:
                return None
            spoken = [i for i in range(phone, phone_after) if phones[i][0] != SIL]
            start, end = starts[spoken[0]], ends[spoken[-1]]
            letters, done = sum(len(word) for word in words[first:after]), 0
            for word in words[first:after]:  # two words in one event ("in the"): shared by length
                begin = start + (end - start) * done / letters
                done += len(word)
                timed.append(TimedWord(word, begin, start + (end - start) * done / letters))
        return audio, timed


def _phones_of(
    words: Sequence[str], events: Iterable[Event], accent: str
) -> tuple[list[tuple[str, float]], list[tuple[int, int]]]:
    """-> ([(phone, start)], [(word, its first phone)]). A word that espeak-ng joins to the one before has no entry."""
    position, first_letter = 1, {}
    for k, word in enumerate(words):
        first_letter[position] = k
        position += len(word) + 1
    phones: list[tuple[str, float]] = []
    groups: list[tuple[int, int]] = []
    pending = None
    for event in events:
        if event.position is not None:
            pending = first_letter.get(event.position, pending)
            continue
        try:
            folded = fold(event.phone, accent)
        except KeyError:
            folded = (event.phone,)
        if not folded:
            continue
        if pending is not None and folded[0] != SIL:
            groups.append((pending, len(phones)))
            pending = None
        phones.append((folded[0], event.seconds))
    return phones, groups


def _shift_stops(phones: Sequence[tuple[str, float]]) -> list[float]:
    """Starts of the phones; the closure before the burst belongs to the stop."""
    starts = [start for _, start in phones]
    for i in range(1, len(phones)):
        if phones[i][0] in VOICELESS_STOPS and phones[i - 1][0] != SIL:
            starts[i] -= min(0.045, 0.4 * (starts[i] - starts[i - 1]))
    return starts
