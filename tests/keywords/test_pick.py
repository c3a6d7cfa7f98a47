import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.keywords.corpus import Corpus
from tasks.keywords.pick import keywords_extra, keywords_fingerprint, pick_keywords
from tasks.schema import HEARD, WORD_DROPS, WORDS
from tests.keywords.tables import PARAMS, frames, heard, keys, picked


def test_every_word_keeps_its_reason() -> None:
    assert picked("Um, the knife — you know -- cuts 3 carrots [Music] today x") == [
        ("um", "filler"), ("the", "stopword"), ("knife", None), ("", "punctuation"), ("you", "filler"), ("know", "filler"),
        ("", "punctuation"), ("cut", None), ("3", "number"), ("carrot", None), ("", "punctuation"), ("today", "not_visual"),
        ("x", "too_short")]


def test_you_know_is_a_filler_only_as_a_phrase_within_a_segment() -> None:
    assert [why for _, why in picked("we know birds")] == ["stopword", "not_visual", None]
    assert [why for _, why in picked("after you|know birds")] == ["stopword", "stopword", "not_visual", None]
    assert [why for _, why in picked("birds sort of fly")] == [None, "filler", "filler", None]


@pytest.mark.parametrize(("word", "lemma"), [
    ("Knives,", "knife"), ("leaves", "leaf"), ("baker\u2019s", "baker"), ('"Tomatoes"', "tomato"), ("cafe\u0301", "caf\u00e9")])
def test_the_label_is_the_lemma_without_case_and_punctuation(word: str, lemma: str) -> None:
    assert keys(word) == [lemma]


@pytest.mark.parametrize("word", ["5", "1,000", "3.5", "2nd", "20%", "five", "twenty-one", "second", "Hundred"])
def test_numbers_follow_the_policy(word: str) -> None:
    assert picked(word)[0][1] == "number"
    assert picked(word, PARAMS.model_copy(update={"numbers": "keep"}))[0][1] is None


def test_words_that_were_not_said_in_the_video_are_out_of_range() -> None:
    starts, ends = [1.0, 19.9, 20.0, 9.0, -1.0, math.nan, 3.0], [1.5, 20.4, 20.3, 8.0, 0.5, 1.0, math.inf]
    reasons = [why for _, why in picked("bird " * 7, start=starts, end=ends)]
    assert reasons == [None, None, *["out_of_range"] * 5]  # the two frames end at 20 s


def test_doubtful_confidence_is_low() -> None:
    reasons = [why for _, why in picked("bird " * 5, confidence=[0.39, 0.41, 1.0, 7.0, math.nan])]
    assert reasons == ["low_confidence", None, None, "low_confidence", "low_confidence"]


@pytest.mark.parametrize("word", ["bi\0rd", "b" * 10_000, "\x1b[31m", "♪♪", "<unk>", "[NOISE]", "(applause)", "\u202ebird"])
def test_what_is_no_word_becomes_no_label(word: str) -> None:
    assert [why for _, why in picked("bird", word=[word])] == ["punctuation"]


@pytest.mark.parametrize(("language", "text", "expected"), [
    ("de", "heute schneiden wir ähm die Kartoffeln mit dem Messer", ["schneiden", "kartoffel", "messer"]),
    ("fr", "euh maintenant les pommes et du coup le couteau de l'homme", ["pomme", "couteau", "homme"]),
    ("es", "hoy o sea los cuchillos y las manzanas rojas", ["cuchillo", "manzana", "rojo"]),
    ("zh", "今天 我们 用 刀 切 两 个 苹果", ["刀", "切", "苹果"]),
])
def test_other_languages_have_lists_of_their_own(language: str, text: str, expected: list[str]) -> None:
    assert keys(text, PARAMS.model_copy(update={"stopword_languages": (language,)})) == expected


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), max_size=12))
def test_rows_stay_as_heard_and_the_books_balance(spoken: list[str]) -> None:
    table = heard(" ".join(["bird"] * len(spoken)), word=spoken)
    words = pick_keywords(table, frames(), Corpus.empty(), PARAMS)
    assert words.schema == WORDS
    assert words.select(HEARD.names).equals(table)
    extra = keywords_extra(words, PARAMS)
    assert extra["heard"] == len(spoken) == extra["kept"] + sum(extra["dropped"].values())
    assert set(extra["dropped"]) <= set(WORD_DROPS)
    assert all(lemma for lemma, why in zip(words["lemma"].to_pylist(), words["why_not"].to_pylist(), strict=True) if why is None)


def test_scores_come_from_the_corpus() -> None:
    corpus = Corpus.empty()
    for number in range(15):
        words = pick_keywords(heard("cat dog" if number < 3 else "cat", f"v{number}"), frames(), corpus, PARAMS)
        corpus.add(words, frames(video_id=f"v{number}"))
    words = pick_keywords(heard("cat dog sun"), frames(), corpus, PARAMS)
    # 15 videos weigh 15 against 5 of the neutral 0.5; in 3 of 15, log 4 / log 16 is a half.
    assert words["rarity"].to_pylist() == [0.125, 0.5, 0.875]
    assert words["visual"].to_pylist() == [0.5, 0.5, 0.5]


def test_the_fingerprint_follows_what_the_words_depend_on() -> None:
    def digest(heard: str = "h", frames: str = "f", corpus: str = "c", **settings: Any) -> str:
        return keywords_fingerprint(heard, frames, corpus, PARAMS.model_copy(update=settings)).digest

    others = [digest(heard="x"), digest(frames="x"), digest(corpus="x"), digest(numbers="keep"),
              digest(stopword_languages=("de",))]
    assert len({digest(), *others}) == 6
    assert digest() == digest()
