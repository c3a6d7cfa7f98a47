"""Which streams and captions are taken; on what a large site really sends, and on what a poor one does."""

import json
from pathlib import Path
from typing import Any

import pytest

from tasks.download.streams import Stream, choose_captions, choose_streams
from tasks.errors import UnusableVideoError
from tasks.network.session import NetworkSettings, open_session


def picture(height: int, size: int, **more: Any) -> dict[str, Any]:
    return {"format_id": f"v{height}", "protocol": "https", "ext": "mp4", "vcodec": "avc1", "acodec": "none", "height": height,
            "filesize": size, **more}


def sound(kbits: float, size: int, **more: Any) -> dict[str, Any]:
    return {"format_id": f"a{kbits}", "protocol": "https", "ext": "m4a", "vcodec": "none", "acodec": "mp4a", "abr": kbits,
            "filesize": size, **more}


def ids(formats: list[dict[str, Any]], height: int = 360) -> tuple[Any, Any]:
    streams = choose_streams(formats, height)
    return streams.picture["format_id"], streams.sound["format_id"] if streams.sound else None


def completed(media_folder: Path, name: str) -> dict[str, Any]:
    """A recorded answer of the site, put in order by yt-dlp, without any request."""
    info = json.loads((media_folder / "youtube-json-captions" / name).read_text())
    for stream in info["formats"]:
        stream.setdefault("url", "https://h/v")
    with open_session(NetworkSettings(False, ())) as session:
        return session.complete({"_type": "video", "id": "x", "title": "x", "extractor": "youtube", **info})


@pytest.mark.media
def test_of_a_real_list_the_smallest_360p_picture_and_clear_sound_are_taken(media_folder: Path) -> None:
    formats = completed(media_folder, "pinchflat_example.info.json")["formats"]
    # 360p without sound: 22,260,935 bytes (243) and 32,652,201 (134), plus fragmented ones of unknown size.
    # Sound: 30.8 and 32.3 kbit/s are too poor; 249 has 3,488,131 bytes, 139 has 3,552,258.
    assert ids(formats) == ("243", "249")
    assert ids(formats, 720) == ("247", "249")
    assert ids(formats, 100) == ("598", "249")  # nothing that small: the least there is


@pytest.mark.media
@pytest.mark.parametrize(("name", "expected"), [
    ("tubesync_metadata.json", ("134", "249")),  # 9,802,128 bytes against 11,534,488 for 243; 2,579,310 at 50 kbit/s
    ("tubesync_metadata_60fps.json", ("134", "249")), ("tubesync_minimal.json", ("248", "251"))])
def test_other_recorded_answers_are_understood(media_folder: Path, name: str, expected: tuple[str, str]) -> None:
    assert ids(completed(media_folder, name)["formats"]) == expected


@pytest.mark.media
def test_of_real_captions_the_spoken_language_is_taken_and_translations_are_not(media_folder: Path) -> None:
    info = json.loads((media_folder / "youtube-json-captions" / "pinchflat_example.info.json").read_text())
    found = choose_captions(info, ("en", "de", "fr"))
    assert [(choice.language, choice.kind, choice.format) for choice in found][:1] == [("en", "auto", "json3")]
    assert "kind=asr" in found[0].stream["url"]
    assert ("de", "manual") in [(choice.language, choice.kind) for choice in found]
    assert not [choice for choice in found if choice.language == "fr"]  # offered only as a translation


def test_one_file_is_taken_where_the_site_has_no_separate_streams() -> None:
    both = picture(360, 9, acodec="mp4a", format_id="18")
    assert ids([both, picture(720, 20, acodec="mp4a", format_id="22")]) == ("18", None)
    assert ids([both, sound(50, 1)]) == ("18", None)


def test_separate_streams_are_preferred_to_one_file() -> None:
    assert ids([picture(360, 9, acodec="mp4a", format_id="18"), picture(360, 8), sound(50, 1)]) == ("v360", "a50")


def test_unknown_codecs_mean_a_whole_file() -> None:
    assert ids([{"format_id": "mp4", "protocol": "http", "ext": "mp4", "vcodec": None}]) == ("mp4", None)


def test_a_picture_without_any_sound_is_taken_alone() -> None:
    assert ids([picture(240, 5), picture(360, 9)]) == ("v360", None)


def test_whole_files_come_before_fragments_and_known_sizes_before_unknown() -> None:
    fragments = picture(360, 1, protocol="m3u8_native", format_id="hls")
    unknown = picture(360, 0, filesize=None, format_id="unknown")
    assert ids([fragments, picture(360, 9), sound(50, 1)])[0] == "v360"
    assert ids([unknown, picture(360, 9), sound(50, 1)])[0] == "v360"


def test_the_original_language_comes_before_dubbed_sound() -> None:
    dubbed, original = sound(50, 1, language_preference=-1), sound(64, 9, language_preference=10)
    assert ids([picture(360, 9), dubbed, original])[1] == "a64"


def test_the_best_of_poor_sound_is_taken() -> None:
    assert ids([picture(360, 9), sound(24, 1), sound(32, 2)])[1] == "a32"


@pytest.mark.parametrize(("formats", "code"), [
    ([], "no_picture"), ([sound(50, 1)], "no_picture"), ([picture(360, 1, ext="desktop")], "extension_refused"),
    ([picture(360, 1, protocol="rtmp")], "no_picture"), ([picture(360, 1, has_drm=True)], "no_picture")])
def test_what_has_no_usable_picture_is_named(formats: list[Stream], code: str) -> None:
    with pytest.raises(UnusableVideoError) as caught:
        choose_streams(formats, 360)
    assert caught.value.code == code


def test_captions_prefer_word_times_from_a_recogniser_and_plain_text_from_a_person() -> None:
    files = [{"ext": ext, "url": f"https://h/{ext}"} for ext in ("srv1", "srt", "json3", "vtt")]
    info = {"subtitles": {"en-GB": files}, "automatic_captions": {"en": files}}
    assert [(choice.kind, choice.format) for choice in choose_captions(info, ["en"])] == [("manual", "vtt"), ("auto", "json3")]


def test_a_machine_translation_is_no_caption() -> None:
    translated = [{"ext": "vtt", "url": "https://h/timedtext?lang=en&tlang=de"}]
    assert choose_captions({"automatic_captions": {"de": translated}}, ["de"]) == []
