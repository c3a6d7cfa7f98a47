"""The stages of dvc.yaml. DVC decides whether one must run; the stage does only what its fingerprints say is missing."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.futures import PrefectFuture

from flows.labelling import Recorder, fetching, is_behind, label_all, lanes, settle, told, wishes_for, workbench
from flows.outcome import RunSummary, VideoResult
from flows.plan import Plan, data_folder
from flows.policy import policy_of
from tasks.dataset.build import DatasetSummary, build_dataset
from tasks.discovery.catalogue import read_catalogue
from tasks.download.fetch import media_fingerprint
from tasks.download.media import is_whole
from tasks.evidence.gather import judge_labels
from tasks.params import Params, load_params
from tasks.release.metrics import write_metrics
from tasks.schema import Video
from tasks.storage.layout import DataFolder
from tasks.storage.ledger import Ledger
from tasks.training.samples import Progress


def listed(data: DataFolder) -> list[Video]:
    """The videos of the list that are not forgotten."""
    return [video for video in read_catalogue(data.catalogue) if video.state != "forgotten"]


def is_fetched(video: Video, data: DataFolder, params: Params) -> bool:
    """True when the media of a listed video lie whole in the data folder."""
    return is_whole(data.media(video.id), media_fingerprint(video, params.download))


def unfetched(data: DataFolder, params: Params, ledger: Ledger) -> list[Video]:
    """What the list names, is not there, and may be asked for today."""
    missing = [video for video in listed(data) if not is_fetched(video, data, params)]
    was_labelled = [name for name, outcome in ledger.outcomes().items() if outcome.outcome == "labelled"]
    return ledger.due(missing, datetime.now(UTC), policy_of(params), again=was_labelled)


@flow(name="media")
def fetch_media(data: str = "data", params_file: str = "params.yaml", settings: dict[str, Any] | None = None) -> RunSummary:
    """Fetch what the list names and is not there yet."""
    folder, params = data_folder(Path(data)), load_params(Path(params_file), settings or {})
    results: list[VideoResult] = []

    def start(video: Video) -> PrefectFuture[Any]:
        return fetching(params).submit(video, folder, params.download, params.discovery, wishes_for(video, folder, params))

    with workbench(folder) as ledger:
        recorder = Recorder(params, ledger)
        for video, future in lanes(
                unfetched(folder, params, ledger), params.ingest.videos_at_once, start, recorder.rests):
            result = recorder.waits(video) if future is None else settle(video, future, recorder)
            if result.outcome.outcome != "fetched":
                recorder.record(result)
            results.append(told(result))
    return RunSummary(results)


@flow(name="labels")
def make_labels(data: str = "data", params_file: str = "params.yaml", settings: dict[str, Any] | None = None) -> RunSummary:
    """See, hear and label every video whose media are there. Nothing is fetched."""
    folder, params = data_folder(Path(data)), load_params(Path(params_file), settings or {})
    with workbench(folder) as ledger:
        here = [video for video in listed(folder) if is_fetched(video, folder, params)]
        was_labelled = {name for name, outcome in ledger.outcomes().items() if outcome.outcome == "labelled"}
        due = ledger.due(here, datetime.now(UTC), policy_of(params), again=was_labelled, offline=True)
        # A lane in Prefect costs more than finding out that it has nothing to do; words and labels are looked at in any case.
        plan = Plan(folder, params, (), ())
        queue = [video for video in due if video.id not in was_labelled or is_behind(video, plan)]
        results = label_all(replace(plan, videos=tuple(queue)), ledger)
    return RunSummary(results)


def make_evidence(data: Path, params_file: Path, settings: dict[str, Any], progress: Progress) -> str:
    """Judge labels by what nets see in the pictures; says in one line what came of it."""
    folder, params = data_folder(data), load_params(params_file, settings)
    with workbench(folder):
        return judge_labels(folder, read_catalogue(folder.catalogue), params, progress)


def make_dataset(data: Path, params_file: Path, settings: dict[str, Any]) -> DatasetSummary:
    """Seal the dataset, and count what is in it."""
    folder, params = data_folder(data), load_params(params_file, settings)
    with workbench(folder):
        summary = build_dataset(
            folder.labels_root, read_catalogue(folder.catalogue), folder.dataset, params.dataset, folder.evidence_root)
        write_metrics(folder)
    return summary
