"""Which words cannot be key words: stop words, fillers, numbers, and words that name nothing a picture can show."""

import logging
import os
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path

from tasks.storage.artefact import digest_json

NLTK_NAMES = {"en": "english", "de": "german", "fr": "french", "es": "spanish", "zh": "chinese"}
SETS = ("stopwords", "numbers", "not_visual", "before_nouns", "before_verbs")
SOURCES = {"nltk": "NLTK's corpus", "own": "our own list (NLTK's corpus is not installed)"}

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class WordLists:
    """The lists of all chosen languages together. Words are lower case.

    phrases: fillers as tuples of words, the longest first.
    lemmas: (word, lemma) where the lemmatiser is wrong for narration.
    sources: where the stop words of each language came from: `nltk` or `own`.
    digest: 32 hex that change when any word of any list does.
    """

    stopwords: frozenset[str]
    phrases: tuple[tuple[str, ...], ...]
    numbers: frozenset[str]
    not_visual: frozenset[str]
    before_nouns: frozenset[str]
    before_verbs: frozenset[str]
    lemmas: tuple[tuple[str, str], ...]
    sources: tuple[tuple[str, str], ...]
    digest: str


@lru_cache(maxsize=8)
def read_lists(languages: tuple[str, ...]) -> WordLists:
    """The word lists of some languages: NLTK's stop words where its corpus is installed, else our own short ones.

    Which were used is logged, and is part of the digest, since the two give different key words.
    """
    words: dict[str, set[str]] = {name: set() for name in SETS}
    phrases: set[tuple[str, ...]] = set()
    lemmas: dict[str, str] = {}
    sources = []
    for language in languages:
        own = tomllib.loads((resources.files("tasks.keywords") / f"lists_{language}.toml").read_text(encoding="utf-8"))
        standard = _nltk_stopwords(language)
        for name in SETS:
            words[name].update(own[name].split() if name != "stopwords" or standard is None else standard)
        phrases.update(tuple(line.split()) for line in own["fillers"].splitlines() if line)
        for line in own["lemmas"].splitlines():
            if line:
                word, lemma = line.split()
                lemmas.setdefault(word, lemma)  # the first language that knows the word decides
        sources.append((language, "own" if standard is None else "nltk"))
    log.info("stop words: %s", ", ".join(f"{language} from {SOURCES[source]}" for language, source in sources) or "none")
    longest_first = tuple(sorted(phrases, key=lambda phrase: (-len(phrase), phrase)))
    return WordLists(
        phrases=longest_first, lemmas=tuple(sorted(lemmas.items())), sources=tuple(sources),
        digest=digest_json([{name: sorted(words[name]) for name in SETS}, longest_first, sorted(lemmas.items()), sources]),
        **{name: frozenset(words[name]) for name in SETS})


def _nltk_stopwords(language: str) -> Sequence[str] | None:
    """NLTK's list, or None when its `stopwords` corpus (a separate download) is not installed or lacks the language."""
    if not any((folder / "corpora" / name).exists() for folder in _nltk_folders() for name in ("stopwords", "stopwords.zip")):
        return None
    from nltk.corpus import stopwords  # importing NLTK takes a second: only where there is something to read

    try:
        return [str(word).lower() for word in stopwords.words(NLTK_NAMES[language])]
    except (LookupError, OSError):  # no corpus; a corpus without this language
        return None


def _nltk_folders() -> list[Path]:
    """Where NLTK looks for its data (the places named in the documentation of nltk.data), known without importing it."""
    named = [Path(folder) for folder in os.environ.get("NLTK_DATA", "").split(os.pathsep) if folder]
    prefixes = [Path(sys.prefix), Path("/usr"), Path("/usr/local")]
    return [*named, Path.home() / "nltk_data", Path(sys.prefix) / "nltk_data",
            *(prefix / part / "nltk_data" for prefix in prefixes for part in ("share", "lib"))]
