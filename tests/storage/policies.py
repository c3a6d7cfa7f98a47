"""Settings and lists for the ledger's tests."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tasks.params import SourceParams, load_params
from tasks.schema import Video
from tasks.storage.failures import Policy

PARAMS = load_params(Path(__file__).parents[2] / "params.yaml", {
    "upkeep.max_wait_nights": 16, "upkeep.gone_days": 30, "upkeep.pause_hours": 6, "upkeep.max_pause_hours": 168,
}).model_copy(update={"sources": tuple(
    SourceParams(name=name, url=f"http://site.example/{name}") for name in ("kitchen", "garden"))})
NIGHT = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
VERSIONS: dict[str, int | str] = {
    "download": 1, "frames": 1, "audio": 1, "transcription": 1, "keywords": 1, "av": "18.1", "yt-dlp": "2026.10"}
POLICY = Policy(PARAMS, VERSIONS)


def night(number: int, hour: int = 3) -> datetime:
    """The run of a night, counted from the first."""
    return (NIGHT + timedelta(days=number)).replace(hour=hour)


def with_settings(section: str, **values: Any) -> Policy:
    """The policy after a person changed settings of a section."""
    changed = getattr(PARAMS, section).model_copy(update=values)
    return Policy(PARAMS.model_copy(update={section: changed}), VERSIONS)


def listed(*ids: str, source: str = "kitchen") -> list[Video]:
    return [Video(video_id, f"http://site.example/{video_id}", source) for video_id in ids]
