"""Which uploads of a source are wanted. Asked twice: with what a listing says, and again with all that download learns."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from tasks.discovery.sites import described
from tasks.params import SourceParams
from tasks.schema import Video
from tasks.storage.artefact import digest_json

CODES = (
    "filtered_title", "filtered_date", "filtered_duration", "filtered_views", "filtered_language", "filtered_licence")
FILTERS = (
    "min_duration_seconds", "max_duration_seconds", "languages", "licences", "title_matches", "title_excludes", "uploaded_from",
    "uploaded_until", "min_views")

Refusal = tuple[str, str]


def refuse(source: SourceParams, info: Mapping[str, Any], *, complete: bool = True) -> Refusal | None:
    """Why a source does not want a video, as (code, problem); None when it is wanted.

    info: as yt-dlp's or as `info.json` has it: title, upload_date or timestamp, duration, view_count, language, license.
    complete: this is all that can be known. A fact that is missing then refuses where being wrong is worse than having
    less: a licence nobody states is no licence. Otherwise what is not said does not refuse yet.
    """
    return (
        _title(source, str(info.get("title") or "")) or _date(source, described(info)["uploaded"])
        or _duration(source, _number(info.get("duration"))) or _views(source, _number(info.get("view_count")))
        or _language(source, str(info.get("language") or ""))
        or _licence(source, str(info.get("license") or info.get("licence") or ""), complete))


def refuse_video(source: SourceParams, video: Video) -> Refusal | None:
    """As `refuse`, for a row of the list of videos."""
    return refuse(source, {
        "title": video.title, "upload_date": video.uploaded.replace("-", ""), "license": video.licence}, complete=False)


def filters_of(source: SourceParams) -> dict[str, Any]:
    """The filters that are set, as JSON values; what a verdict rests on."""
    return source.model_dump(mode="json", include=set(FILTERS), exclude_defaults=True)


def filters_digest(source: SourceParams) -> str:
    return digest_json(filters_of(source))


def _title(source: SourceParams, title: str) -> Refusal | None:
    if source.title_matches and not re.search(source.title_matches, title, re.IGNORECASE):
        return "filtered_title", f"title does not match {source.title_matches!r}"
    if source.title_excludes and re.search(source.title_excludes, title, re.IGNORECASE):
        return "filtered_title", f"title matches {source.title_excludes!r}, which is excluded"
    return None


def _date(source: SourceParams, uploaded: str) -> Refusal | None:
    if not uploaded:
        return None
    day = date.fromisoformat(uploaded)
    if source.uploaded_from is not None and day < source.uploaded_from:
        return "filtered_date", f"uploaded {day}, before {source.uploaded_from}"
    if source.uploaded_until is not None and day > source.uploaded_until:
        return "filtered_date", f"uploaded {day}, after {source.uploaded_until}"
    return None


def _duration(source: SourceParams, seconds: float | None) -> Refusal | None:
    if seconds is None:
        return None
    if source.min_duration_seconds is not None and seconds < source.min_duration_seconds:
        return "filtered_duration", f"{seconds:g} s are less than {source.min_duration_seconds:g}"
    if source.max_duration_seconds is not None and seconds > source.max_duration_seconds:
        return "filtered_duration", f"{seconds:g} s are more than {source.max_duration_seconds:g}"
    return None


def _views(source: SourceParams, views: float | None) -> Refusal | None:
    if source.min_views is not None and views is not None and views < source.min_views:
        return "filtered_views", f"{views:.0f} views are less than {source.min_views}"
    return None


def _language(source: SourceParams, language: str) -> Refusal | None:
    wanted = [code.lower() for code in source.languages]
    spoken = language.lower().replace("_", "-")
    if not wanted or not spoken or any(spoken == code or spoken.startswith(f"{code}-") for code in wanted):
        return None
    return "filtered_language", f"language {language} is none of {', '.join(source.languages)}"


def _licence(source: SourceParams, licence: str, complete: bool) -> Refusal | None:
    if not source.licences or (not licence and not complete):
        return None
    if any(part.lower() in licence.lower() for part in source.licences):
        return None
    return "filtered_licence", f"licence {licence or 'not stated'} is none of {', '.join(source.licences)}"


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
