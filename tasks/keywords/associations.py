"""Which key words go together: knife with cut, cheese with grate. Learnt from what is said within one sentence.

Counts are whole numbers and the same for any order of videos, so adding, removing and merging are exact.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import combinations, groupby
from typing import Any

import pyarrow as pa

from tasks.keywords.lists import WordLists, read_lists
from tasks.keywords.pick import normalise

MAX_WORDS = 40  # a longer "sentence" is cut: its ends do not belong together, and pairs grow with the square
MIN_TOGETHER = 3  # sentences; a pair said together less often is not judged
MIN_VIDEOS = 2  # one video's habit is no association
FALSE_DISCOVERIES = 0.05  # at most this share of the significant pairs is chance (Benjamini-Hochberg)
MIN_CONTEXTS, KIND_SHARE = 3, 0.8  # a word is a noun or a verb when this many places say so, and this share of them

ASSOCIATIONS = pa.schema([
    pa.field("first", pa.string(), nullable=False),  # lemmas; first < second, each pair once
    pa.field("second", pa.string(), nullable=False),
    pa.field("first_kind", pa.string()),  # noun | verb, or null where the sentences do not tell
    pa.field("second_kind", pa.string()),
    pa.field("together", pa.int64(), nullable=False),  # sentences with both
    pa.field("videos", pa.int64(), nullable=False),  # videos with such a sentence
    pa.field("first_count", pa.int64(), nullable=False),  # sentences with the word
    pa.field("second_count", pa.int64(), nullable=False),
    pa.field("sentences", pa.int64(), nullable=False),  # sentences with a key word, in all
    pa.field("pmi", pa.float64(), nullable=False),  # bits: 1 is twice as often together as by chance
    pa.field("npmi", pa.float64(), nullable=False),  # the same scaled to 1 for words never said apart
    pa.field("p_value", pa.float64(), nullable=False),  # Fisher's exact test, one-sided
    pa.field("significant", pa.bool_(), nullable=False),
])


@dataclass
class AssociationCounts:
    """Sentences counted by the key words in them.

    words: lemma -> sentences. pairs: "first second" -> [sentences, videos]. kinds: lemma -> [noun places, verb places].
    """

    sentences: int = 0
    words: dict[str, int] = field(default_factory=dict)
    pairs: dict[str, list[int]] = field(default_factory=dict)
    kinds: dict[str, list[int]] = field(default_factory=dict)

    def add(self, words: pa.Table, languages: tuple[str, ...]) -> None:
        """Count the sentences of one video. words: schema WORDS. languages: as in KeywordsParams.stopword_languages."""
        self._apply(_count(words, languages), 1)

    def remove(self, words: pa.Table, languages: tuple[str, ...]) -> None:
        """Take a video out again, with the table it was added with; the result equals never having added it."""
        self._apply(_count(words, languages), -1)

    def merge(self, other: "AssociationCounts") -> None:
        """Add the counts of other videos."""
        self._apply(other, 1)

    def table(self) -> pa.Table:
        """Every pair said together MIN_TOGETHER times or more (schema ASSOCIATIONS), the surest first."""
        judged = {pair: counts for pair, counts in self.pairs.items() if counts[0] >= MIN_TOGETHER}
        frequent = sum(count >= MIN_TOGETHER for count in self.words.values())
        rows = [self._row(pair, *counts) for pair, counts in judged.items()]
        rows.sort(key=lambda row: (row["p_value"], -row["npmi"], row["first"], row["second"]))
        # All pairs of frequent words were candidates, those never said together included.
        limit = _benjamini_hochberg([row["p_value"] for row in rows], candidates=frequent * (frequent - 1) // 2)
        for row in rows:
            row["significant"] = row["p_value"] <= limit and row["videos"] >= MIN_VIDEOS and row["pmi"] > 0
        return pa.Table.from_pylist(rows, schema=ASSOCIATIONS)

    def kind(self, lemma: str) -> str | None:
        """`noun` or `verb`, judged by the words before it ("the knife", "we cut"); None where they do not tell."""
        places = self.kinds.get(lemma, [0, 0])
        if sum(places) < MIN_CONTEXTS or max(places) < KIND_SHARE * sum(places):
            return None
        return "noun" if places[0] > places[1] else "verb"

    def _row(self, pair: str, together: int, videos: int) -> dict[str, Any]:
        first, second = pair.split(" ")
        a, b = self.words[first], self.words[second]
        pmi = math.log2(together * self.sentences / (a * b))
        rate = together / self.sentences
        return {
            "first": first, "second": second, "first_kind": self.kind(first), "second_kind": self.kind(second),
            "together": together, "videos": videos, "first_count": a, "second_count": b, "sentences": self.sentences,
            "pmi": pmi, "npmi": pmi / -math.log2(rate) if rate < 1 else 0.0,
            "p_value": fisher_exact(together, a, b, self.sentences)}

    def _apply(self, other: "AssociationCounts", sign: int) -> None:
        self.sentences += sign * other.sentences
        for lemma, count in other.words.items():
            self.words[lemma] = self.words.get(lemma, 0) + sign * count
            if not self.words[lemma]:
                del self.words[lemma]
        for mine, theirs in ((self.pairs, other.pairs), (self.kinds, other.kinds)):
            for key, counts in theirs.items():
                mine[key] = [a + sign * b for a, b in zip(mine.get(key, [0, 0]), counts, strict=True)]
                if not any(mine[key]):
                    del mine[key]


def associations(tables: Iterable[pa.Table], languages: tuple[str, ...]) -> pa.Table:
    """Which key words go together over these words tables, one a video (schema ASSOCIATIONS, the surest pairs first)."""
    counts = AssociationCounts()
    for words in tables:
        counts.add(words, languages)
    return counts.table()


def fisher_exact(together: int, first: int, second: int, total: int) -> float:
    """Probability that two words chosen for `first` and `second` of `total` sentences at random meet in `together` or more.

    Source: the hypergeometric upper tail, R. A. Fisher, "Statistical Methods for Research Workers", 1934.
    """
    def log_ways(n: int, k: int) -> float:
        return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)

    low, high = max(together, first + second - total, 0), min(first, second)
    if low <= max(0, first + second - total):
        return 1.0  # the whole distribution
    every = log_ways(total, second)
    terms = [math.exp(log_ways(first, k) + log_ways(total - first, second - k) - every) for k in range(low, high + 1)]
    return min(1.0, math.fsum(terms))


def _benjamini_hochberg(p_values: list[float], candidates: int) -> float:
    """The largest p value that still counts as significant; below every p value when none does. p_values: ascending."""
    passing = [p for rank, p in enumerate(p_values, 1) if p <= FALSE_DISCOVERIES * rank / max(candidates, len(p_values))]
    return passing[-1] if passing else -1.0


def _count(words: pa.Table, languages: tuple[str, ...]) -> AssociationCounts:
    counts = AssociationCounts()
    lists = read_lists(languages)
    rows = words.select(["segment", "word", "lemma", "why_not"]).to_pylist()
    together: Counter[str] = Counter()
    said: Counter[str] = Counter()
    for sentence in _sentences(rows):
        keys = sorted({row["lemma"] for row in sentence if row["why_not"] is None})
        if keys:
            counts.sentences += 1
            said.update(keys)
            together.update(f"{a} {b}" for a, b in combinations(keys, 2))
        _count_kinds(sentence, lists, counts.kinds)
    counts.words = dict(said)
    counts.pairs = {pair: [count, 1] for pair, count in together.items()}
    return counts


def _sentences(rows: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """The spoken words by segment, in pieces of at most MAX_WORDS."""
    spoken = [row for row in rows if row["why_not"] != "punctuation"]
    for _, group in groupby(spoken, key=lambda row: row["segment"]):
        segment = list(group)
        yield from (segment[at:at + MAX_WORDS] for at in range(0, len(segment), MAX_WORDS))


def _count_kinds(sentence: list[dict[str, Any]], lists: WordLists, kinds: dict[str, list[int]]) -> None:
    """Count one place for each key word whose neighbours tell its kind.

    After a determiner and before no content word it is a noun ("the knife is", but not "the fresh onion"). After a
    subject or modal ("we cut"), or before a determiner with none in front ("please send a message"), it is a verb.
    """
    words = [normalise(row["word"]) for row in sentence]
    content = [row["why_not"] in (None, "not_visual") for row in sentence]
    for at, row in enumerate(sentence):
        if row["why_not"] is not None:
            continue
        before = words[at - 1] if at else ""
        after = words[at + 1] if at + 1 < len(words) else ""
        determined = before in lists.before_nouns
        noun = determined and (not after or not content[at + 1])
        verb = before in lists.before_verbs or (
            after in lists.before_nouns and not determined and not (at and sentence[at - 1]["why_not"] is None))
        if noun or verb:
            places = kinds.setdefault(row["lemma"], [0, 0])
            places[0] += noun
            places[1] += verb
