import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import UnusableVideoError
from tasks.schema import Caption
from tasks.storage.artefact import Fingerprint, read_record
from tasks.transcription.captions import MAX_CAPTION_BYTES, read_captions, transcribe_captions
from tasks.transcription.words import HeardWord


def read(folder: Path, content: str | bytes, caption_format: str) -> list[HeardWord]:
    path = folder / f"captions.{caption_format}"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    utterances, _ = read_captions(path, caption_format)
    return [word for utterance in utterances for word in utterance]


def texts(words: list[HeardWord]) -> list[str]:
    return [word.text for word in words]


def stamp(seconds: float) -> str:
    return f"{int(seconds // 3600):02}:{int(seconds // 60 % 60):02}:{seconds % 60:06.3f}"


def rolling(lines: list[list[str]], timed: bool) -> str:
    """Captions as YouTube's recogniser shows them: a line a second, each word at its time, above it the line before."""
    cues, before = ["WEBVTT\nKind: captions\nLanguage: en\n"], " "
    for second, words in enumerate(lines):
        plain = " ".join(words)
        inner = "".join(f"<{stamp(second + 0.1 * i)}><c> {word}</c>" for i, word in enumerate(words) if i)
        cues.append(f"{stamp(second)} --> {stamp(second + 0.99)} align:start position:0%\n{before}\n"
                    f"{words[0] + inner if timed else plain}\n")
        cues.append(f"{stamp(second + 0.99)} --> {stamp(second + 1)} align:start position:0%\n{plain}\n \n")
        before = plain
    return "\n".join(cues)


# Few words, so that the same line often follows itself.
spoken_lines = st.lists(st.lists(st.sampled_from(["ha", "knife", "salt"]), min_size=1, max_size=4), min_size=3, max_size=8)


@given(spoken_lines, st.booleans())
def test_rolling_captions_give_every_word_once(
    tmp_path_factory: pytest.TempPathFactory, lines: list[list[str]], timed: bool,
) -> None:
    words = read(tmp_path_factory.mktemp("captions"), rolling(lines, timed), "vtt")
    assert texts(words) == [word for line in lines for word in line]
    if timed:
        starts = [second + 0.1 * i for second, line in enumerate(lines) for i in range(len(line))]
        assert [word.start for word in words] == pytest.approx(starts, abs=0.001)


def test_a_written_caption_that_repeats_a_line_is_left_as_it_is(tmp_path: Path) -> None:
    text = "WEBVTT\n\n00:01.000 --> 00:02.000\nNo!\n\n00:02.000 --> 00:03.000\nNo!\n\n" + "\n".join(
        f"00:{10 + i}.000 --> 00:{10 + i}.900\nline {i}\n" for i in range(8))
    assert texts(read(tmp_path, text, "vtt"))[:3] == ["No!", "No!", "line"]


def test_a_line_without_word_times_is_shared_out_by_length(tmp_path: Path) -> None:
    text = "1\r\n00:00:10,000 --> 00:00:11,000\r\nan onion\r\n\r\n2\r\n00:00:12,000 --> 00:00:12,500\r\nend\r\n"
    words = read(tmp_path, text, "srt")
    assert [(w.text, w.start, w.end, w.timing_source) for w in words] == [
        ("an", 10.0, pytest.approx(10 + 3 / 9), "segment"), ("onion", pytest.approx(10 + 3 / 9), pytest.approx(11.0), "segment"),
        ("end", 12.0, 12.5, "word")]


def test_srt_cues_may_follow_each_other_without_a_blank_line(tmp_path: Path) -> None:
    text = ("1\n00:00:01,000 --> 00:00:02,000\nfirst\n2\n00:00:02,000 --> 00:00:03,000\nsecond\n \n"
            "3\n00:00:03,000 --> 00:00:04,000\nthird\n")
    assert texts(read(tmp_path, text, "srt")) == ["first", "second", "third"]


def test_markup_entities_and_sound_descriptions_are_no_words(tmp_path: Path) -> None:
    text = ("WEBVTT\n\nNOTE knife\n\n00:01.000 --> 00:04.000 line:80%\n<v Ann>salt &amp; <i>pepper</i> [Music] ♪\n"
            ">> R&eacute;my: cut--and peel\n(applause)\n")
    path = tmp_path / "captions.vtt"
    path.write_text(text)
    utterances, skipped = read_captions(path, "vtt")
    assert texts(utterances[0]) == ["salt", "pepper", "Rémy:", "cut", "and", "peel", "(applause)"]
    assert skipped == {"not_speech": 4}  # &, [Music], the note and >>


def test_json3_words_have_their_own_times_and_confidence(tmp_path: Path) -> None:
    events = [{"tStartMs": 0, "dDurationMs": 9000, "id": 1, "wpWinPosId": 1},
              {"tStartMs": 1000, "dDurationMs": 5000, "segs": [
                  {"utf8": "take", "acAsrConf": 255}, {"utf8": " the", "tOffsetMs": 1000, "acAsrConf": 51},
                  {"utf8": " knife", "tOffsetMs": 1200, "acAsrConf": 204}]},
              {"tStartMs": 2000, "dDurationMs": 10, "aAppend": 1, "segs": [{"utf8": "\n"}]},
              {"tStartMs": 2500, "dDurationMs": 1000, "segs": [{"utf8": "and cut"}]}]
    words = read(tmp_path, json.dumps({"wireMagic": "pb3", "events": events}), "json3")
    assert [(w.text, w.start, w.confidence, w.timing_source) for w in words] == [
        ("take", 1.0, 1.0, "word"), ("the", 2.0, 0.2, "word"), ("knife", 2.2, 0.8, "word"),
        ("and", 2.5, 1.0, "segment"), ("cut", 3.0, 1.0, "segment")]
    assert words[0].end < 1.6  # not until the next word: a pause follows
    assert words[2].end == 2.5  # the line is over when the next begins, though it stays on screen


@pytest.mark.parametrize(("content", "caption_format", "what"), [
    (b"WEBVTT\n\n00:00:07.000 --> 00:00:1d.890\nx\n", "vtt", "bad time in line 3"),
    (b"", "vtt", "no cue"),
    (b"<html>404</html>", "vtt", "XML captions are refused"),
    (b"<?xml version='1.0'?><!DOCTYPE tt [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><tt>&x;</tt>", "srt", "XML captions"),
    (b'{"events": [{"tStartMs": 0, "segs"', "json3", "not whole json3"),
    (b'{"events": [[]]}', "json3", "not whole json3"),
    (b"[" * 100_000, "json3", "not whole json3"),
    (b"WEBVTT", "ass", "unknown caption format"),
])
def test_captions_that_cannot_be_read_are_refused_by_name(tmp_path: Path, content: bytes, caption_format: str, what: str) -> None:
    with pytest.raises(UnusableVideoError, match=what) as caught:
        read(tmp_path, content, caption_format)
    assert caught.value.code == "captions_invalid"
    assert "\n" not in str(caught.value)


def test_captions_of_hundreds_of_megabytes_are_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "captions.vtt"
    with path.open("wb") as file:
        file.truncate(MAX_CAPTION_BYTES * 10)
    with pytest.raises(UnusableVideoError, match="too large"):
        read_captions(path, "vtt")


@pytest.mark.parametrize("sign", ["<", "[", "(", "{\\", "<00:00:01.000>"])
def test_a_line_of_a_million_brackets_is_read_in_linear_time(tmp_path: Path, sign: str) -> None:
    assert read(tmp_path, f"WEBVTT\n\n00:01.000 --> 00:02.000\n{sign * 200_000} knife\n", "vtt")[-1].text == "knife"


def test_words_land_in_a_table_and_the_books_balance(tmp_path: Path) -> None:
    path = tmp_path / "captions.vtt"
    path.write_bytes(b"WEBVTT\n\n00:01.000 --> 00:02.000\nbowl [Music] k\xffnife\n\n00:05.000 --> 00:04.000\nbackwards\n\n"
                     b"01:00:00.000 --> 01:00:01.000\nlate words\n")
    caption, out = Caption(path, "en", "manual", "vtt"), tmp_path / "heard.parquet"
    said = transcribe_captions("v", caption, 60.0, out, Fingerprint("heard", 1, {}, {}), "captions: written by hand")
    assert said == {"words": 1, "engine": "captions", "model": "en-manual", "reason": "captions: written by hand",
                    "dropped": {"bad_time": 1, "invalid_word": 1, "not_speech": 1, "out_of_range": 2}}
    assert pq.read_table(out)["word"].to_pylist() == ["bowl"]
    assert read_record(out)["extra"] == said


@pytest.mark.media
def test_real_automatic_captions_hold_as_many_words_as_are_spoken(media_folder: Path) -> None:
    folder = media_folder / "video-speech"
    spoken = [word for segment in json.loads((folder / "manifesto.vosk.json").read_text()) for word in segment["words"]]
    utterances, _ = read_captions(folder / "manifesto.youtube-auto.vtt", "vtt")
    words = [word for utterance in utterances for word in utterance]
    assert len(words) == pytest.approx(len(spoken), rel=0.02)
    near = sum(any(word.text == other["word"] and abs(word.start - other["start"]) < 0.3 for other in spoken) for word in words)
    assert near > 0.85 * len(words)  # a third recogniser, and the pause before each word is its own


@pytest.mark.media
def test_real_written_captions_give_the_words_people_wrote(media_folder: Path) -> None:
    utterances, _ = read_captions(media_folder / "video-speech" / "his_girl_friday.vtt", "vtt")
    assert [" ".join(word.text for word in utterance) for utterance in utterances] == [
        "Hildy!", "How are you?", "Tell me, is the lord of the universe in?", "Yes, he's in in a bad humor",
        "Somebody must've stolen the crown jewels"]
    utterances, skipped = read_captions(media_folder / "youtube-json-captions" / "crashcourse_manual.vtt", "vtt")
    assert utterances[0][-1].text == "History."
    assert utterances[0][0].start == 0.16
    assert skipped == {"not_speech": 1}  # [Intro]


@pytest.mark.media
def test_a_real_rolling_sample_without_blank_lines_is_read(media_folder: Path) -> None:
    folder = media_folder / "youtube-json-captions"
    utterances, _ = read_captions(folder / "youtube_dl_rolling.vtt", "vtt")
    words = [(word.text, word.start) for utterance in utterances for word in utterance]
    assert words == [("yeah", 286.07), ("what", 286.47), ("this", 304.08), ("will", 304.199), ("happen", 304.379), ("is", 304.62),
                     ("I'm", 304.86), ("telling", 305.069)]
    with pytest.raises(UnusableVideoError, match="bad time in line 6"):
        read_captions(folder / "invalid_timeframe.vtt", "vtt")
