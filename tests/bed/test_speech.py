from itertools import pairwise
from pathlib import Path
from random import Random

import numpy as np
import pytest

from tests.bed.objects import OBJECTS
from tests.bed.phones import fold
from tests.bed.speech import FILLERS, Speaker, Voice, check_templates, make_sentence
from tests.bed.vocabulary import NOUNS, VOCABULARY


def test_no_template_says_an_object_by_itself() -> None:
    check_templates(OBJECTS)


def test_a_template_that_says_an_object_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'my friend has aN like this' says \['friend'\]"):
        check_templates({"friend"})


def test_the_vocabulary_is_the_recognisers(tiny_model: Path) -> None:
    known = {line.split()[0] for line in (tiny_model / "graph" / "words.txt").read_text().splitlines()}
    assert {word for word in known if word[0].isalpha()} == VOCABULARY
    assert NOUNS | set(OBJECTS) <= VOCABULARY


@pytest.mark.parametrize("kind", ["on", "off", "none"])
def test_a_sentence_names_its_noun_once_and_stays_in_the_vocabulary(kind: str) -> None:
    for seed, noun in enumerate(sorted(OBJECTS) * 5):
        words, noun_at, fillers = make_sentence(kind, noun if kind != "none" else None, Random(seed))
        named = [k for k, word in enumerate(words) if word in OBJECTS]
        assert named == ([] if kind == "none" else [noun_at])
        assert set(words) <= VOCABULARY | FILLERS
        assert {k for k, word in enumerate(words) if word in FILLERS} <= set(fillers)


@pytest.mark.parametrize(("noun", "wrong"), [("flowers", "a flowers"), ("bread", "a bread"), ("apple", "a apple")])
def test_articles_and_verbs_fit_the_noun(noun: str, wrong: str) -> None:
    said = {" ".join(make_sentence("on", noun, Random(seed)).words) for seed in range(300)}
    assert not any(wrong in sentence or f"{noun} was" in sentence * (noun == "flowers") for sentence in said)


@pytest.mark.parametrize(
    ("phoneme", "accent", "phones"),
    [("_:", "us", ("SIL",)), (";", "us", ()), ("0", "us", ("A:",)), ("0", "gb", ("0",)), ("aI3", "us", ("aI", "3"))],
)
def test_phonemes_fold_to_phones(phoneme: str, accent: str, phones: tuple[str, ...]) -> None:
    assert fold(phoneme, accent) == phones


def test_an_unknown_phoneme_is_an_error() -> None:
    with pytest.raises(KeyError, match="unmapped"):
        fold("!!", "us")


def test_word_times_follow_the_sound(bed_tools: None) -> None:
    speaker = Speaker()
    result = speaker.say("look at the onion".split(), Voice("en-us+f4", 150, 50, 50))
    assert result is not None
    audio, words = result
    assert [word for word, _, _ in words] == ["look", "at", "the", "onion"]
    assert all(start < end for _, start, end in words)
    assert all(a.end <= b.start + 1e-9 for a, b in pairwise(words))
    loud = np.flatnonzero(np.abs(audio) > 0.02) / speaker.rate
    assert abs(words[0].start - loud[0]) < 0.05
    assert abs(words[-1].end - loud[-1]) < 0.1


def test_a_voice_that_does_not_exist_is_an_error(bed_tools: None) -> None:
    with pytest.raises(ValueError, match="no such voice"):
        Speaker().espeak.say("hello", "no-such-voice", {})
