# ruff: noqa
# mypy: ignore-errors
"""What is said: sentences inside the recogniser's vocabulary, and exact word times.

Speech comes from espeak-ng through the binding beside the recogniser's recipe
(../models/build-vosk-model-tiny), whose corpus.py is the vocabulary.
"""
import random

from tests.bed import vocabulary as corpus
from tests.bed.espeak import Espeak
from tests.bed.phones import SIL, VOICELESS_STOPS, fold

VOCAB = set(corpus.vocabulary())
FILLERS = {"um", "uh"}  # the only words outside VOCAB; marked as fillers in the truth
# voices the recogniser was not trained on, then some it was
VOICES = "f4 m5 Alicia Michael john linda Andy belinda robert".split()
PLURAL, MASS = {"flowers", "stars"}, {"bread", "cheese", "rain"}
KIND = {}
for kind, names in {
        "food": "onion carrot apple lemon egg cheese bread cake fish",
        "tool": "knife fork spoon pan pot bowl cup", "place": "mountain river road bridge house tree",
        "ride": "car bus train plane boat", "animal": "cat dog bird horse cow fish"}.items():
    for n in names.split():
        KIND.setdefault(n, []).append(kind)
# every noun of the vocabulary, for the "all nouns" labelling
NOUNS = {w for k in "FOOD STUFF TOOL PLACE RIDE THING TECH ANIMAL PERSON UNIT TIME WEATHER".split()
         for w in corpus.CLASSES[k]} | set(
    "children people friends eggs horses potatoes stars water flowers music dinner breakfast kilometers rock ground glass hand hands "
    "hair eyes feet way world home part day today tomorrow number name heat".split())

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
"""
BY_KIND = {
    "food": ["first we wash the N and then we wait", "we cut the N slowly and carefully", "you want to taste the N when it is ready",
             "we need one more N for our dinner", "put the N down and wash your hands"],
    "tool": ["take the N and wash it", "keep the N clean and dry", "we need the N to make our dinner"],
    "place": ["in the morning we walked to the N", "we came to the N after five hours", "we stop near the N because it is ADJ"],
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
"""
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
she said that it was too late
"""
NOTHING = [s for s in NOTHING.strip().splitlines() if set(s.split()) - {"NUM"} <= VOCAB]
ADJ = "happy cold warm big small new old good beautiful slow long short fresh clean dry wet little great".split()


def sentence(kind, noun, r):
    """-> (words, index of the noun or None, indices of filler words)"""
    if kind == "none":
        text = r.choice(NOTHING)
    else:
        pool = ABOUT.strip().splitlines() + [t for k in KIND.get(noun, ()) for t in BY_KIND[k] for _ in (0, 1)]
        if kind == "off" and r.random() < .5:
            pool = ELSEWHERE.strip().splitlines()
        text = r.choice(pool)
    many = kind != "none" and noun in PLURAL
    out = []
    for w in text.split():
        if w == "N":
            out.append(noun)
        elif w in ("aN", "aADJ"):
            out.append("some" if many or noun in MASS else "a")
            out.append(noun if w == "aN" else r.choice(ADJ))
        elif w == "ADJ":
            out.append(r.choice(ADJ))
        elif w == "NUM":
            out.append(r.choice("two three four five six seven eight nine ten".split()))
        else:
            out.append(w)
    if many:  # flowers, stars
        at = out.index(noun)
        for k, w in enumerate(out):
            if abs(k - at) <= 2:
                out[k] = {"is": "are", "was": "were", "this": "these", "that": "that"}.get(w, w)
    for k in range(len(out) - 1):
        if out[k] == "a" and out[k + 1][0] in "aeiou":
            out[k] = "an"
    at = out.index(noun) if noun in out and kind != "none" else None
    words = [(w, k == at, False) for k, w in enumerate(out)]
    if r.random() < .35:
        words = [(w, False, True) for w in r.choice(["um", "uh", "you know", "so", "and so", "i think", "now"]).split()] + words
    if r.random() < .15 and len(words) > 3:
        k = r.randint(1, len(words) - 2)
        words[k:k] = [(w, False, True) for w in r.choice(["um", "uh", "you know", "like"]).split()]
    at = next((k for k, w in enumerate(words) if w[1]), None)
    names = [w[0] for w in words]
    bad = set(names) - VOCAB - FILLERS
    assert not bad, bad
    return names, at, [k for k, w in enumerate(words) if w[2]]


class Speaker:
    def __init__(self):
        self.e = Espeak()
        self.rate = self.e.rate

    def say(self, names, **voice):
        """-> (float32 samples, [(word, start, end)]) or None if the events do not fit."""
        text = " ".join(names)
        audio, events = self.e.say(text, **voice)
        accent = "us" if voice["voice"].startswith("en-us") else "gb"
        at, starts = 0, {}
        for i, w in enumerate(names):
            starts[at] = i
            at += len(w) + 1
        phones, groups, pending = [], [], None
        for kind, when, a, _ in events:
            if kind == "word" and a - 1 in starts:
                pending = starts[a - 1]
            elif kind == "phone":
                try:
                    f = fold(a, accent)
                except KeyError:
                    f = (a,)
                if not f:
                    continue
                if pending is not None and f[0] != SIL:
                    groups.append((pending, len(phones)))
                    pending = None
                phones.append([f[0], when])
        if not groups or groups[0][0] != 0:
            return None
        length = len(audio) / self.rate
        for i in range(1, len(phones)):  # the closure before the burst belongs to the stop
            if phones[i][0] in VOICELESS_STOPS and phones[i - 1][0] != SIL:
                phones[i][1] -= min(.045, .4 * (phones[i][1] - phones[i - 1][1]))
        ends = [p[1] for p in phones[1:]] + [length]
        words = []
        for k, (w, p0) in enumerate(groups):
            w1, p1 = groups[k + 1] if k + 1 < len(groups) else (len(names), len(phones))
            if w1 <= w:
                return None
            spoken = [i for i in range(p0, p1) if phones[i][0] != SIL]
            s, e = phones[spoken[0]][1], ends[spoken[-1]]
            total, done = sum(len(n) for n in names[w:w1]), 0
            for n in names[w:w1]:  # two words in one event ("in the"): shared by length
                a = s + (e - s) * done / total
                done += len(n)
                words.append((n, a, s + (e - s) * done / total))
        return audio, words


def check_templates(objects):
    """No template may say an object by itself."""
    for t in (ABOUT + ELSEWHERE).strip().splitlines() + NOTHING + sum(BY_KIND.values(), []):
        words = set(t.replace("aADJ", "").replace("aN", "").split()) - {"N", "ADJ", "NUM", ""}
        assert not words & set(objects), (t, words & set(objects))
        assert words <= VOCAB, (t, words - VOCAB)
