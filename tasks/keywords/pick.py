"""Key words: the words of a video that may name something in its pictures, and for each other word why it does not."""

import math
import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tasks.keywords.corpus import VERSION as COUNTING
from tasks.keywords.corpus import Corpus
from tasks.keywords.lists import WordLists, read_lists
from tasks.params import KeywordsParams
from tasks.schema import WORDS
from tasks.storage.artefact import Fingerprint

VERSION = 1  # raise it when the same input would give different rows
MAX_LETTERS = 40  # longer "words" are text run together, or an attack
EDGES = re.compile(r"^[\W_]+|[\W_]+$")
NOTE = re.compile(r"[\[<(♪*+].*[\])>♪*+]")  # [Music], <unk>, ++NOISE++: what is written there was not said
DIGITS = re.compile(r"(?=.*\d)[\d.,:/%°$€£x-]+(st|nd|rd|th|s|er|e|º|ª)?")
HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]")
NO_LEMMAS = ("zh",)  # simplemma knows no Chinese, and Chinese does not inflect


def keywords_fingerprint(heard: str, frames: str, corpus: str, params: KeywordsParams) -> Fingerprint:
    """What a words table depends on.

    heard, frames: the fingerprint digests of the two tables. corpus: what names the videos counted before this one.
    The word lists and the lemmatiser count as inputs: with other ones the same speech gives other key words.
    """
    return Fingerprint(
        step="keywords", version=VERSION, params=params.model_dump(mode="json"),
        inputs={"heard": heard, "frames": frames, "corpus": corpus, "counting": str(COUNTING),
                "lists": read_lists(params.stopword_languages).digest, "lemmas": _lemmatiser()})


def keywords_extra(words: pa.Table, params: KeywordsParams) -> dict[str, Any]:
    """Facts for the artefact's metadata: words heard = kept + dropped by reason, and the lists that decided."""
    counts = {count["values"]: count["counts"] for count in pc.value_counts(words["why_not"]).to_pylist()}
    lists = read_lists(params.stopword_languages)
    return {"heard": len(words), "kept": counts.pop(None, 0), "dropped": {reason: counts[reason] for reason in sorted(counts)},
            "stopwords": dict(lists.sources), "lists": lists.digest, "lemmas": _lemmatiser()}


def pick_keywords(heard: pa.Table, frames: pa.Table, corpus: Corpus, params: KeywordsParams) -> pa.Table:
    """The words heard, each with its lemma and scores, and with the reason when it is no key word.

    heard: schema HEARD, in order of time. frames: schema FRAMES, with or without its pictures; they tell where the
    video ends. corpus: counts over the videos before this one.
    Returns schema WORDS, row for row as in `heard`; the first reason of WORD_DROPS that applies is the one given.
    """
    lists = read_lists(params.stopword_languages)
    duration = pc.max(frames["end"]).as_py() if len(frames) else math.inf
    rows = heard.select(["word", "segment", "start", "end", "confidence"]).to_pylist()
    plain = [normalise(row["word"]) for row in rows]
    fillers = _fillers(plain, [row["segment"] for row in rows], lists)
    lemmas = [lemma_of(word, params.stopword_languages) for word in plain]
    reasons = [
        "filler" if at in fillers else _why_not(row, word, lemma, duration, lists, params)
        for at, (row, word, lemma) in enumerate(zip(rows, plain, lemmas, strict=True))]
    scores = {lemma: (corpus.rarity(lemma), corpus.visual(lemma)) for lemma in sorted(set(lemmas))}
    columns = {
        **{name: heard[name] for name in heard.column_names},
        "lemma": lemmas, "why_not": reasons,
        "rarity": [scores[lemma][0] for lemma in lemmas], "visual": [scores[lemma][1] for lemma in lemmas]}
    return pa.table([columns[name] for name in WORDS.names], schema=WORDS)


def normalise(word: str) -> str:
    """The word in lower case without what surrounds it; empty when nothing was said.

    Composed (NFC), straight apostrophes, no possessive 's. Notes in brackets, control characters and run-together text
    give an empty word.
    """
    word = unicodedata.normalize("NFC", word).strip().replace("\u2019", "'")
    if NOTE.fullmatch(word) or len(word) > MAX_LETTERS or not word.isprintable():
        return ""
    return EDGES.sub("", word).lower()


@lru_cache(maxsize=100_000)
def lemma_of(word: str, languages: tuple[str, ...]) -> str:
    """The dictionary form in lower case: knives -> knife. The first language that knows the word decides."""
    import simplemma  # loads its dictionaries on first use

    word = word.removesuffix("'s")
    own = dict(read_lists(languages).lemmas).get(word)
    known = tuple(language for language in languages if language not in NO_LEMMAS)
    return own or (str(simplemma.lemmatize(word, lang=known)).lower() if word and known else word)


def _why_not(
    row: dict[str, Any], word: str, lemma: str, duration: float, lists: WordLists, params: KeywordsParams,
) -> str | None:
    number = _is_number(word, lists)
    checks = {
        "punctuation": not word,
        "stopword": word in lists.stopwords and not number,
        "number": number and params.numbers == "drop",
        "low_confidence": not params.min_confidence <= row["confidence"] <= 1,
        # One Chinese character can be a whole word, and one digit a number.
        "too_short": len(word) < params.min_letters and not number and not HAN.search(word),
        "out_of_range": not 0 <= row["start"] <= row["end"] < math.inf or row["start"] >= duration,
        "not_visual": not number and (word in lists.not_visual or lemma in lists.not_visual)}
    return next((reason for reason, applies in checks.items() if applies), None)


def _is_number(word: str, lists: WordLists) -> bool:
    """Digits in any usual writing, number words, and compounds of them such as twenty-one."""
    if DIGITS.fullmatch(word):
        return True
    return bool(word) and all(part in lists.numbers for part in word.split("-"))


def _fillers(words: Sequence[str], segments: Sequence[int], lists: WordLists) -> set[int]:
    """Which words belong to a filler; a phrase lies within one segment, and the longest phrase wins."""
    starts: dict[str, list[tuple[str, ...]]] = {}
    for phrase in lists.phrases:
        starts.setdefault(phrase[0], []).append(phrase)
    spoken = [at for at, word in enumerate(words) if word]  # punctuation between the words of a phrase does not matter
    found: set[int] = set()
    position = 0
    while position < len(spoken):
        length = 1
        for phrase in starts.get(words[spoken[position]], ()):
            here = spoken[position:position + len(phrase)]
            if tuple(words[at] for at in here) == phrase and len({segments[at] for at in here}) == 1:
                found.update(here)
                length = len(phrase)
                break
        position += length
    return found


@lru_cache(1)  # looking into an installed package takes 2 ms, and every video of the list asks
def _lemmatiser() -> str:
    from importlib.metadata import version

    return f"simplemma {version('simplemma')}"
