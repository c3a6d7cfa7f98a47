import logging
from collections.abc import Iterator
from pathlib import Path

import nltk
import pytest

from tasks.keywords.lists import SETS, read_lists
from tasks.keywords.pick import keywords_fingerprint
from tests.keywords.tables import PARAMS, keys

LANGUAGES = ("en", "de", "fr", "es", "zh")


@pytest.fixture(autouse=True)
def no_nltk_data(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Only what a test puts there; the lists are read anew before and after."""
    monkeypatch.setattr(nltk.data, "path", [])
    read_lists.cache_clear()
    yield
    read_lists.cache_clear()


def test_without_nltk_data_our_own_lists_are_used_and_named(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    assert read_lists(("en", "zh")).sources == (("en", "own"), ("zh", "own"))
    assert "our own list" in caplog.text


def test_nltk_data_decide_where_present_and_show_in_the_fingerprint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = keywords_fingerprint("h", "f", "c", PARAMS).digest
    assert keys("the knife") == ["knife"]
    folder = tmp_path / "corpora" / "stopwords"
    folder.mkdir(parents=True)
    (folder / "english").write_text("the\nknife\n")
    (folder / "german").write_text("der\n")
    monkeypatch.setattr(nltk.data, "path", [str(tmp_path)])
    monkeypatch.setenv("NLTK_DATA", str(tmp_path))  # what NLTK read its path from when it was imported
    _forget_nltk_corpus(monkeypatch)
    read_lists.cache_clear()
    assert read_lists(("en",)).sources == (("en", "nltk"),)
    assert keys("the knife") == []
    assert keywords_fingerprint("h", "f", "c", PARAMS).digest != before


def _forget_nltk_corpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """NLTK opens a corpus once a process."""
    from nltk.corpus import LazyCorpusLoader, WordListCorpusReader

    fresh = LazyCorpusLoader("stopwords", WordListCorpusReader, r"(?!README|\.).*", encoding="utf8")
    monkeypatch.setattr(nltk.corpus, "stopwords", fresh)


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_fills_every_list_with_lower_case_words(language: str) -> None:
    lists = read_lists((language,))
    words = {name: getattr(lists, name) for name in SETS}
    assert all(len(words[name]) >= 15 for name in ("stopwords", "numbers", "not_visual"))
    assert len(lists.phrases) >= 5
    assert all(word == word.lower() for entries in words.values() for word in entries)
    assert not words["stopwords"] & words["numbers"]


def test_no_languages_means_no_lists() -> None:
    lists = read_lists(())
    assert not lists.stopwords
    assert not lists.phrases
