from pathlib import Path
from typing import Any

import pytest

from tasks.errors import ParamsError, UnusableVideoError
from tasks.schema import Caption, Media
from tasks.transcription.choose import EngineChoice, choose_engine
from tests.transcription.params import TRANSCRIPTION

PLAIN = "WEBVTT\n\n00:01.000 --> 00:02.000\ncut the onion\n"
TIMED = "WEBVTT\n\n00:01.000 --> 00:02.000\ncut<00:00:01.200><c> the</c><00:00:01.400><c> onion</c>\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "plain.vtt").write_text(PLAIN)
    (tmp_path / "timed.vtt").write_text(TIMED)
    (tmp_path / "broken.vtt").write_text("WEBVTT\n\n00:1d.000 --> 00:02.000\nx\n")
    return tmp_path


def media(folder: Path, *captions: Caption, sound: bool = True) -> Media:
    file = folder / "video.mp4"
    return Media("v", file, file if sound else None, captions, None, file, 60.0, "0" * 32)


def chosen(media: Media, models: Path, **settings: Any) -> EngineChoice:
    return choose_engine(media, TRANSCRIPTION.model_copy(update={"fetch_models": False, **settings}), models)


def test_captions_with_word_times_are_preferred_and_the_reason_says_so(folder: Path, tiny_model: Path) -> None:
    manual, auto = Caption(folder / "plain.vtt", "en", "manual", "vtt"), Caption(folder / "timed.vtt", "en-US", "auto", "vtt")
    choice = chosen(media(folder, manual, auto), tiny_model.parent, model=tiny_model.name)
    assert (choice.engine, choice.model, choice.caption) == ("captions", "en-US-auto", auto)
    assert choice.reason == "captions: auto en-US captions with word times"


def test_without_usable_captions_vosk_is_taken_when_its_model_is_there(folder: Path, tiny_model: Path) -> None:
    german, broken = Caption(folder / "plain.vtt", "de", "manual", "vtt"), Caption(folder / "broken.vtt", "en", "manual", "vtt")
    choice = chosen(media(folder, german, broken), tiny_model.parent, model=tiny_model.name)
    assert (choice.engine, choice.model, choice.path) == ("vosk", tiny_model.name, tiny_model)
    assert "broken.vtt: captions invalid, bad time in line 3" in choice.reason


def test_without_a_model_pocketsphinx_is_taken_and_the_reason_names_the_model(folder: Path) -> None:
    choice = chosen(media(folder), folder, model="vosk-model-small-en-us-0.15")
    assert choice.engine == "pocketsphinx"
    assert choice.reason.startswith("pocketsphinx: no captions in 'en', and model vosk-model-small-en-us-0.15: not in")


def test_an_engine_that_was_asked_for_is_never_replaced(folder: Path, tiny_model: Path) -> None:
    timed = Caption(folder / "timed.vtt", "en", "auto", "vtt")
    assert chosen(media(folder, timed), folder, engine="vosk", model=str(tiny_model)).engine == "vosk"
    assert chosen(media(folder, timed), folder, engine="pocketsphinx").engine == "pocketsphinx"
    with pytest.raises(UnusableVideoError, match="no captions in 'en'") as caught:
        chosen(media(folder), tiny_model.parent, engine="captions")
    assert caught.value.code == "no_captions"
    with pytest.raises(ParamsError, match="models fetch absent"):
        chosen(media(folder, timed), folder, engine="vosk", model="absent")


def test_a_video_without_sound_needs_captions(folder: Path, tiny_model: Path) -> None:
    silent = media(folder, sound=False)
    with pytest.raises(UnusableVideoError) as caught:
        chosen(silent, tiny_model.parent, model=tiny_model.name)
    assert caught.value.code == "no_audio"
    captioned = media(folder, Caption(folder / "plain.vtt", "en", "manual", "vtt"), sound=False)
    assert chosen(captioned, folder).engine == "captions"


def test_a_missing_package_says_how_to_install_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ParamsError, match=r"pip install 'framewords\[pocketsphinx\]'"):
        chosen(media(folder), folder, engine="pocketsphinx")
    with pytest.raises(ParamsError, match="models fetch absent"):  # auto has nothing left
        chosen(media(folder), folder, model="absent")
