import math
import random

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.keywords.associations import ASSOCIATIONS, AssociationCounts, associations, fisher_exact
from tasks.keywords.corpus import Corpus
from tasks.keywords.pick import pick_keywords
from tests.keywords.tables import PARAMS, frames, heard

ENGLISH = ("en",)
USES = {"cut": ("knife", "onion", "potato"), "grate": ("cheese", "lemon", "nutmeg"), "boil": ("pasta", "egg", "pot")}
FOODS = [food for foods in USES.values() for food in foods]


def words_of(text: str, video_id: str = "v") -> pa.Table:
    table = heard(text, video_id)
    return pick_keywords(table, frames([bytes(48)] * 500, video_id), Corpus.empty(), PARAMS)


def cooking(seed: int, *, tied: bool = True) -> str:
    """40 sentences that say what is done to what; tied: false picks the food without regard to the verb."""
    random_ = random.Random(seed)
    sentences = []
    for _ in range(40):
        verb = random_.choice(list(USES))
        food = random_.choice(USES[verb] if tied else FOODS)
        sentences.append(random_.choice([f"now we {verb} the {food}", f"you {verb} your {food} and then"]))
    return "|".join(sentences)


def test_the_tea_taster_is_right_by_chance_once_in_seventy() -> None:
    # R. A. Fisher's own example: 8 cups, 4 with milk first, all 4 found, or at least 3 of them.
    assert fisher_exact(4, 4, 4, 8) == pytest.approx(1 / 70)
    assert fisher_exact(3, 4, 4, 8) == pytest.approx(17 / 70)
    assert fisher_exact(0, 4, 4, 8) == 1
    assert fisher_exact(4, 6, 6, 8) == 1  # with 6 and 6 of 8, 4 must meet


def test_counts_and_strength_are_those_of_the_sentences() -> None:
    # 8 sentences with a key word; knife in 4, onion in 4, both in 3 (once twice in one sentence); the last names nothing.
    text = "knife onion|onion knife onion|knife with the onion|knife|onion|bird|bird|bird|thank you"
    row = associations([words_of(text)], ENGLISH).to_pylist()[0]
    assert (row["first"], row["second"]) == ("knife", "onion")
    assert (row["together"], row["videos"], row["first_count"], row["second_count"], row["sentences"]) == (3, 1, 4, 4, 8)
    assert row["pmi"] == pytest.approx(math.log2(3 * 8 / 16))
    assert row["npmi"] == pytest.approx(math.log2(1.5) / math.log2(8 / 3))
    assert row["p_value"] == pytest.approx(17 / 70)
    assert not row["significant"]


def test_verbs_find_what_they_are_done_to() -> None:
    table = associations((words_of(cooking(seed), f"v{seed}") for seed in range(6)), ENGLISH)
    assert table.schema == ASSOCIATIONS
    found = {frozenset((row["first"], row["second"])) for row in table.to_pylist() if row["significant"]}
    assert found == {frozenset((verb, food)) for verb, foods in USES.items() for food in foods}
    kinds = {row[side]: row[f"{side}_kind"] for row in table.to_pylist() for side in ("first", "second")}
    assert kinds == {**dict.fromkeys(USES, "verb"), **dict.fromkeys(FOODS, "noun")}


def test_words_that_meet_by_chance_are_not_associated() -> None:
    tables = [associations((words_of(cooking(100 * trial + seed, tied=False), f"v{seed}") for seed in range(4)), ENGLISH)
              for trial in range(10)]
    assert sum(len(table) for table in tables) > 200
    # At most 5 % of *trials* may see a false discovery when none is true: 10 trials, none or one.
    assert sum(any(table["significant"].to_pylist()) for table in tables) <= 1


def test_one_videos_habit_is_no_association() -> None:
    assert not any(associations([words_of(cooking(0))], ENGLISH)["significant"].to_pylist())


@settings(max_examples=10, deadline=None)
@given(st.permutations(range(4)), st.sets(st.integers(0, 3)))
def test_removing_and_merging_are_exact(order: list[int], gone: set[int]) -> None:
    tables = [words_of(cooking(seed), f"v{seed}") for seed in range(4)]
    halves = [AssociationCounts(), AssociationCounts()]
    for at in order:
        halves[at % 2].add(tables[at], ENGLISH)
    for at in gone:
        halves[at % 2].remove(tables[at], ENGLISH)
    halves[0].merge(halves[1])
    expected = AssociationCounts()
    for at in sorted(set(range(4)) - gone):
        expected.add(tables[at], ENGLISH)
    assert halves[0] == expected
    assert halves[0].table().equals(expected.table())


@pytest.mark.parametrize(("text", "kind"), [
    ("the onion is|an onion|my onion and", "noun"),
    ("we onion it|you onion|can onion the", "verb"),
    ("the onion is|we onion|my onion and", None),  # two to one is too few to tell
    ("the onion ring|the onion ring|the onion ring", None),  # may be an adjective
    ("please onion the ring|and onion a ring|onion your ring", "verb"),
])
def test_the_words_around_a_word_tell_its_kind(text: str, kind: str | None) -> None:
    counts = AssociationCounts()
    counts.add(words_of(text), ENGLISH)
    assert counts.kind("onion") == kind


def test_an_endless_sentence_is_cut() -> None:
    counts = AssociationCounts()
    counts.add(words_of(" ".join(f"knife{'abcdefghij'[at % 10]}{'abcdefghij'[at // 10 % 10]}" for at in range(400))), ENGLISH)
    assert counts.sentences == 10
    assert len(counts.pairs) < 10 * 40 * 39 / 2
