"""What is asked for: words and phrases become directions in the space of a net, each with odds of its own.

The vectors of all known words are kept in a file, so that asking for these needs no net in memory.
"""

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tasks.errors import InputError, IntegrityError
from tasks.search.arrays import read_arrays, write_arrays

if TYPE_CHECKING:
    from tasks.nets.store import TrainedNet

ALIKE_LETTERS = 0.7  # difflib's ratio, from which on two spellings count as close
OFFERED = 3

Vectors = NDArray[np.float32]
Embed = Callable[[Sequence[str]], Vectors]
Lemma = Callable[[str], str]


@dataclass(frozen=True)
class Words:
    """The vocabulary of a net, sorted.

    The log odds that a picture shows a word: factor * cosine + intercept of the word - offset of the picture. The offset is what
    the net makes of the picture over all words: one that looks like everything is no evidence of anything.
    """

    vocabulary: tuple[str, ...]
    factor: float
    vectors: Vectors
    intercepts: Vectors

    @cached_property
    def places(self) -> dict[str, int]:
        return {word: place for place, word in enumerate(self.vocabulary)}


@dataclass(frozen=True)
class Term:
    """A word or phrase that is looked for. vector: (D,), unit length. factor, intercept: as of Words.

    weight: how much it counts beside the others, 0-1.
    """

    text: str
    vector: Vectors
    factor: float
    intercept: float
    weight: float = 1.0


@dataclass(frozen=True)
class Query:
    """notes: what a person should know about the words asked for, one line each."""

    terms: tuple[Term, ...]
    notes: tuple[str, ...]


def words_of(net: "TrainedNet") -> Words:
    scale = float(net.towers.scale().detach())
    return Words(net.vocabulary, scale * net.calibration.slope, net.word_vectors[:len(net.vocabulary)],
                 np.asarray(net.calibration.intercepts, np.float32))


def open_words(folder: Path, load: "Callable[[], TrainedNet]") -> Words:
    """The words of a net, from where the last call kept them, else from the net itself.

    folder: of the index, made for this net alone. load: gives the net, when it is needed.
    """
    path = folder / "known.words"
    try:
        facts, arrays = read_arrays(path)
        return Words(tuple(facts["vocabulary"]), float(facts["factor"]), **arrays)
    except (FileNotFoundError, IntegrityError, KeyError, TypeError):
        words = words_of(load())
        write_arrays(path, {"vocabulary": words.vocabulary, "factor": words.factor},
                     {"vectors": words.vectors, "intercepts": words.intercepts})
        return words


def read_query(asked: Sequence[str], words: Words, embed: Embed, lemma: Lemma) -> Query:
    """What is looked for. An argument of several words is a phrase: one term, in the mean direction of its known words.

    embed: vectors of words never seen; lemma: the dictionary form of a word. Neither is called where all words are known.
    Raises InputError when no word is known, with the nearest ones that are.
    """
    known = {argument: places for argument in asked if (places := _places(argument, words, lemma))}
    unknown = [argument for argument in asked if argument.split() and argument not in known]
    if not known and not unknown:
        raise InputError("no word to look for", "give one or more, as `framewords find knife onion`")
    vectors = dict(zip(unknown, embed([argument.lower() for argument in unknown]), strict=True)) if unknown else {}
    offers = {argument: nearest_words(argument.lower(), vectors[argument], words) for argument in unknown}
    if not known:
        lines = "; ".join(f"{argument[:60]}: not among the {len(words.vocabulary):,} words the net knows" for argument in unknown)
        raise InputError(lines, f"nearest known: {', '.join(dict.fromkeys(word for offer in offers.values() for word in offer))}")
    terms = []
    for argument in asked:
        if argument in known:
            places = known[argument]
            terms.append(Term(argument, _unit(words.vectors[places].mean(axis=0)), words.factor,
                              float(words.intercepts[places].mean())))
        elif argument in vectors:
            # What is like no known word is mere noise: it counts as far as its letters make it like one.
            alike = float(np.clip((words.vectors @ vectors[argument]).max(), 0, 1))
            terms.append(Term(argument, vectors[argument], words.factor, float(np.median(words.intercepts)), alike))
    said = "not a word the net knows, guessed from its letters"
    return Query(tuple(terms), tuple(
        f"{argument}: {said}; nearest known: {', '.join(offer)}" for argument, offer in offers.items()))


def nearest_words(word: str, vector: Vectors, words: Words) -> list[str]:
    """Known words near an unknown one: by spelling first, then by vector."""
    spelt = difflib.get_close_matches(word, words.vocabulary, n=OFFERED, cutoff=ALIKE_LETTERS)
    meant = [words.vocabulary[place] for place in np.argsort(-(words.vectors @ vector), kind="stable")[:OFFERED]]
    return list(dict.fromkeys([*spelt, *meant]))[:OFFERED]


def _places(argument: str, words: Words, lemma: Lemma) -> list[int]:
    """Where the known words of an argument stand in the vocabulary."""
    found = [words.places.get(word if word in words.places else lemma(word)) for word in argument.lower().split()]
    return [place for place in found if place is not None]


def _unit(vector: Vectors) -> Vectors:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-12), np.float32)
