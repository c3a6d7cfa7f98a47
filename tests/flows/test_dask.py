"""More than one machine: workers that share no disk, one killed, one gone for good, and the same bytes in the end."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest

import flows.plan
from flows.plan import check_runner
from tasks.discovery.catalogue import read_catalogue
from tasks.errors import ParamsError
from tasks.params import load_params
from tasks.schema import Caption, Media
from tasks.storage.exchange import parcels
from tasks.storage.layout import DataFolder
from tasks.storage.objects import ObjectStore, StoreAddress, open_store
from tests import stores
from tests.flows.conftest import SAMPLE, Command, tree_hash
from tests.flows.machines import Machines, Tap
from tests.flows.server import REPOSITORY

PARAMS = REPOSITORY / "params.yaml"
CANARIES = {"PREFECT_API_KEY": "canary-of-prefect-0123456789", "AWS_SECRET_ACCESS_KEY": stores.SECRET_KEY}
PROXY = "http://somebody:canary-of-the-proxy@127.0.0.1:9"


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory, prefect_api: str, environment: dict[str, str]) -> dict[str, str]:
    """What the threads of one machine make of the sample."""
    command = Command(tmp_path_factory.mktemp("threads"), environment)
    done = command("--set", "transcription.model=vosk-model-tiny-en-us", "ingest", str(SAMPLE))
    assert done.code == 0, done.err
    return tree_hash(command.data)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory, prefect_api: str, tiny_model: Path) -> dict[str, str]:
    """What every machine has in its environment: Prefect's address, the model, the store's credentials."""
    plain = {name: value for name, value in os.environ.items() if name not in stores.FOREIGN}
    return {**plain, **stores.ENVIRONMENT, "PREFECT_API_URL": prefect_api, "PYTHONPATH": str(REPOSITORY),
            "PREFECT_HOME": str(tmp_path_factory.mktemp("prefect")), "FRAMEWORDS_MODELS": str(tiny_model.parent),
            "DASK_DISTRIBUTED__COMM__COMPRESSION": "None"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[stores.RcloneServer]:
    with stores.RcloneServer(tmp_path_factory.mktemp("buckets")) as running:
        yield running


@pytest.fixture
def store(server: stores.RcloneServer, monkeypatch: pytest.MonkeyPatch) -> ObjectStore:
    for name, value in stores.ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    return open_store(StoreAddress(f"s3://{stores.new_bucket(server.endpoint)}/project", server.endpoint))


@pytest.fixture
def project(tmp_path: Path, store: ObjectStore, environment: dict[str, str]) -> Command:
    """The command in a folder whose DVC remote is the S3 server."""
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc" / "config").write_text(
        f"[core]\n    remote = store\n['remote \"store\"']\n    url = {store.address.url}\n"
        f"    endpointurl = {store.address.endpoint}\n")
    return Command(tmp_path, environment)


@pytest.fixture
def machines(tmp_path: Path, environment: dict[str, str]) -> Iterator[Machines]:
    with Machines(tmp_path / "machines", environment) as running:
        yield running


@contextmanager
def running(command: Command, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """The command at work; killed with all its processes when the block ends before it does."""
    process = command.start(*words)
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def on_dask(address: str, *settings: str) -> list[str]:
    pairs = ["transcription.model=vosk-model-tiny-en-us", "run.task_runner=dask", f"run.scheduler={address}", *settings]
    return [word for pair in pairs for word in ("--set", pair)]


@pytest.mark.slow
def test_workers_without_a_shared_disk_make_the_bytes_of_one_machine_and_hear_no_secret(
        project: Command, machines: Machines, store: ObjectStore, reference: dict[str, str],
        ask_prefect: Callable[[str, dict[str, Any]], Any]) -> None:
    machines.start_workers("a", "b", "c")
    command = Command(project.folder, {**project.environment, **CANARIES})
    with Tap(machines.port) as tap:
        done = command(*on_dask(tap.address, f"download.proxy={PROXY}"), "ingest", str(SAMPLE))
    assert (done.code, done.err) == (0, "")
    assert tree_hash(project.data) == reference
    assert parcels(store) == []
    heard = bytes(tap.heard)
    assert b"sense_away" in heard  # the tap heard the work, unpacked
    assert [secret for secret in (*CANARIES.values(), "canary-of-the-proxy") if secret.encode() in heard] == []
    assert str(project.data).encode() not in heard
    assert not any(machines.in_the_middle(name) for name in machines.workers)

    videos = [video.id for video in read_catalogue(project.data / "videos.csv")]
    newest = ask_prefect("flow_runs/filter", {"limit": 1, "sort": "START_TIME_DESC"})[0]["id"]
    of_this_run = {"flow_runs": {"id": {"any_": [newest]}}, "limit": 200}
    runs = {run["name"]: run for run in ask_prefect("task_runs/filter", of_this_run)}
    steps = {f"{step}-{video}" for video in videos for step in ("label", "sense", "frames", "audio", "transcription")}
    assert {name for name in steps if runs[name]["state_name"] == "Completed"} == steps
    logs = ask_prefect("logs/filter", {"logs": {"flow_run_id": {"any_": [newest]}}, "limit": 200})
    assert {runs[name]["id"] for name in steps} <= {line["task_run_id"] for line in logs}


@pytest.mark.slow
def test_a_worker_killed_in_the_middle_and_one_that_leaves_for_good_cost_nothing_but_time(
        project: Command, machines: Machines, store: ObjectStore, reference: dict[str, str]) -> None:
    machines.start_workers("a", "b", "c")
    with running(project, *on_dask(machines.address), "ingest", str(SAMPLE)) as run:
        machines.wait_until(lambda: machines.in_the_middle("a"), run)
        machines.kill("a")
        machines.wait_until(lambda: machines.in_the_middle("b"), run)
        machines.retire("b")
        assert run.wait() == 0
    assert tree_hash(project.data) == reference
    assert parcels(store) == []
    assert len({video.id for video in read_catalogue(project.data / "videos.csv")}) == 3


@pytest.mark.slow
def test_a_run_killed_in_the_middle_is_taken_up_where_its_workers_left_it(
        project: Command, machines: Machines, store: ObjectStore, reference: dict[str, str]) -> None:
    machines.start_workers("a")
    with running(project, *on_dask(machines.address), "ingest", str(SAMPLE)) as run:
        machines.wait_until(lambda: any(key.endswith("frames.parquet") for key, _ in store.keys("exchange/")), run)
    done = project(*on_dask(machines.address), "ingest", str(SAMPLE))
    assert done.code == 0, done.err
    assert tree_hash(project.data) == reference
    assert parcels(store) == []


@pytest.mark.slow
def test_without_workers_or_scheduler_a_run_ends_and_says_so(project: Command, machines: Machines) -> None:
    done = project(*on_dask(machines.address, "run.no_worker_seconds=1"), "ingest", str(SAMPLE))
    assert done.code == 3
    assert done.out.count("no Dask worker for 1 s") == 3
    machines.start_workers("a")
    with running(project, *on_dask(machines.address), "ingest", str(SAMPLE)) as run:
        machines.wait_until(lambda: machines.in_the_middle("a"), run)
        machines.kill_scheduler()
        assert run.wait() == 3
    done = project(*on_dask(machines.address), "ingest", str(SAMPLE))
    assert done.code == 3
    assert done.err.startswith(f"error: {machines.address}: no Dask scheduler answers")
    assert done.err.count("\n") == 1


@pytest.mark.slow
def test_a_cluster_of_its_own_makes_the_same_bytes(project: Command, reference: dict[str, str]) -> None:
    done = project(*on_dask("local"), "ingest", str(SAMPLE))
    assert (done.code, done.err) == (0, "")
    assert tree_hash(project.data) == reference


@pytest.mark.parametrize("address", [
    "tcp://10.0.0.7:8786", "tcp://scheduler:8786", "tcp://127.0.0.1.example.org:8786", "10.0.0.7:8786", "ws://127.0.0.1:8786",
    "tcp://127.0.0.1:0", "tcp://127.0.0.1:99999", "tls://host", "", "tls://user:secret@host:8786"])
def test_an_address_that_is_wrong_or_open_to_others_is_refused(address: str) -> None:
    with pytest.raises(ParamsError, match=r"run\.scheduler"):
        load_params(PARAMS, {"run.scheduler": address})


@pytest.mark.parametrize(("address", "allowed"), [
    ("local", False), ("tcp://127.0.0.1:8786", False), ("tcp://localhost:8786", False), ("tcp://[::1]:8786", False),
    ("tls://10.0.0.7:8786", False), ("tcp://10.0.0.7:8786", True)])
def test_this_machine_and_encrypted_addresses_are_taken(address: str, allowed: bool) -> None:
    params = load_params(PARAMS, {"run.scheduler": address, "run.allow_unencrypted": allowed})
    assert params.run.scheduler == address


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flows.plan, "find_spec", lambda name: None)
    with pytest.raises(ParamsError, match=r"framewords\[dask\]"):
        check_runner(load_params(PARAMS, {"run.task_runner": "dask"}).run)


def test_tls_without_certificates_is_refused(tmp_path: Path) -> None:
    from flows.cluster import Cluster
    from flows.sensing import SensingParams

    params = load_params(PARAMS, {"run.scheduler": "tls://127.0.0.1:1"})
    cluster = Cluster(DataFolder(tmp_path), SensingParams.of(params), params.run, StoreAddress(str(tmp_path)))
    with pytest.raises(ParamsError, match="no certificates"), cluster.open():
        pass


def test_media_are_sent_under_names_of_ours_and_found_again_elsewhere(tmp_path: Path) -> None:
    from flows.cluster import _packed, _unpacked

    home, own = tmp_path / "home", Path("/videos/my \u00fcber;talk?.mp4")
    media = Media("file_1", own, own, (Caption(home / "captions.en.auto.vtt", "en", "auto", "vtt"),), home / "thumbnail.jpg",
                  home / "info.json", 12.0, "0c" * 16)
    relative, files = _packed(media)
    assert files == {"picture": own, "captions.en.auto.vtt": home / "captions.en.auto.vtt"}
    found = _unpacked(relative, tmp_path / "away")
    assert (found.picture, found.sound, found.captions[0].path) == (
        tmp_path / "away" / "picture", tmp_path / "away" / "picture", tmp_path / "away" / "captions.en.auto.vtt")
    assert (found.video_id, found.duration, found.content, found.thumbnail) == ("file_1", 12.0, "0c" * 16, None)


def test_a_worker_that_would_make_other_labels_makes_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import flows.cluster
    from flows.sensing import SensingParams

    monkeypatch.setattr(flows.cluster, "_prepare_worker", lambda: None)
    monkeypatch.setattr(flows.cluster, "_scratch", lambda: nullcontext(DataFolder(tmp_path / "scratch")))
    media = Media("file_1", Path("picture.mp4"), None, (), None, Path("info.json"), 12.0, "0c" * 16)
    store = StoreAddress(str(tmp_path / "store"))
    job = flows.cluster.Job(media, store, SensingParams.of(load_params(PARAMS)), "of another version", "")
    with pytest.raises(ParamsError, match="other frames"):
        flows.cluster.sense_away.fn(job)
    assert parcels(open_store(store)) == []
