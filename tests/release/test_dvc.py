"""DVC runs the right stages, says in one line what is wrong, and is never blocked by a DVC that is no more."""

import fcntl
import json
import subprocess
import sys
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import tasks.release.dvc as dvc
from tasks.alignment.align import alignment_fingerprint
from tasks.download.fetch import media_fingerprint
from tasks.errors import TransientError, WorkflowError
from tasks.frames.sample import frames_fingerprint
from tasks.keywords.pick import keywords_fingerprint
from tasks.params import Params, Section, load_params
from tasks.release.dvc import hide_secrets, run_dvc
from tasks.release.remote import set_remote
from tasks.release.template import init_project
from tasks.schema import Video
from tasks.storage.project import Project
from tasks.transcription.choose import EngineChoice
from tasks.transcription.transcribe import heard_fingerprint
from tests.conftest import REPOSITORY
from tests.release.nights import small_project
from tests.stores import ACCESS_KEY, SECRET_KEY, RcloneServer, Wire, new_bucket

PARAMS = load_params(REPOSITORY / "params.yaml")
VIDEO = Video("site_1", "https://example.org/1")


def choice(params: Params) -> EngineChoice:
    spoken = params.transcription
    return EngineChoice(spoken.engine, f"{spoken.model} {spoken.language}", "", "digest")


FINGERPRINTS: dict[str, tuple[str, Callable[[Params], str]]] = {
    "download": ("media", lambda params: media_fingerprint(VIDEO, params.download).digest),
    "frames": ("labels", lambda params: frames_fingerprint("0" * 32, params.frames).digest),
    "audio": ("labels", lambda params: heard_fingerprint("0" * 32, choice(params), params.audio, params.transcription).digest),
    "transcription": ("labels", lambda params: heard_fingerprint(
        "0" * 32, choice(params), params.audio, params.transcription).digest),
    "keywords": ("labels", lambda params: keywords_fingerprint("0" * 32, "0" * 32, "", params.keywords).digest),
    "alignment": ("labels", lambda params: alignment_fingerprint("0" * 32, "0" * 32, params.alignment).digest),
}


def other_value(section: Section, key: str) -> Any:
    """A value of the same kind that is not the one set."""
    value = getattr(section, key)
    allowed = typing.get_args(type(section).model_fields[key].annotation)
    if isinstance(value, bool):
        return not value
    if isinstance(value, tuple):
        return ("de",)
    if isinstance(value, str):
        return next((name for name in allowed if name != value), f"{value}-other")
    return type(value)(next((number for number in allowed if number != value), value + 1) if allowed else value + 1)


def with_value(params: Params, section: str, key: str, value: Any) -> Params:
    return params.model_copy(update={section: getattr(params, section).model_copy(update={key: value})})


@pytest.mark.parametrize(("section", "key"), [
    (section, key) for section in FINGERPRINTS for key in type(getattr(PARAMS, section)).model_fields])
def test_a_setting_that_makes_other_artefacts_is_one_of_its_stage(section: str, key: str) -> None:
    stage, digest = FINGERPRINTS[section]
    stages = yaml.safe_load((REPOSITORY / "dvc.yaml").read_text())["stages"]
    changed = with_value(PARAMS, section, key, other_value(getattr(PARAMS, section), key))
    declared = {section, f"{section}.{key}"} & set(stages[stage]["params"])
    assert declared or digest(changed) == digest(PARAMS)


def test_every_declared_setting_exists_and_the_dataset_depends_on_its_whole_section() -> None:
    stages = yaml.safe_load((REPOSITORY / "dvc.yaml").read_text())["stages"]
    for stage in stages.values():
        for name in stage.get("params", ()):
            section, _, key = name.partition(".")
            assert not key or key in type(getattr(PARAMS, section)).model_fields
    assert stages["dataset"]["params"] == ["dataset"]


@pytest.fixture
def pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project whose `framewords stage NAME` writes what it was given, and that it ran."""
    project = init_project(tmp_path / "project")
    command = tmp_path / "bin" / "framewords"
    command.parent.mkdir()
    command.write_text(f"""#!{sys.executable}
import sys
from pathlib import Path
stage, settings = sys.argv[2], Path("params.yaml").read_text()
out = Path("data") / {{"train": "models", "evaluate": ".cache"}}.get(stage, stage)
out.mkdir(exist_ok=True)
(out / "made").write_text(settings)
for name in ("metrics.json", "growth.csv", "left_out.csv", "evaluation.json", "learning.csv"):
    (Path("data") / name).write_text("{{}}")
with open("{tmp_path}/ran", "a") as ran:
    ran.write(stage + " ")
""")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{command.parent}:/usr/bin:/bin")
    run_dvc(project, "repro")
    (tmp_path / "ran").write_text("")
    return project


@pytest.mark.parametrize(("old", "new", "stages"), [
    ("  duplicate_bits: 6                # hashes", "  duplicate_bits: 5                # hashes", "labels evidence dataset"),
    ("max_height_px: 360 ", "max_height_px: 240 ", "media labels evidence dataset"),
    ("shard_megabytes: 64", "shard_megabytes: 32", "dataset"),
    ("folds: 4", "folds: 3", "evidence dataset"),
    ("buckets: 16384", "buckets: 8192", "train evaluate"),
    ("threads: 0", "threads: 2", ""),
    ("# Every value", "# Each value", ""),
])
def test_a_changed_setting_runs_the_stages_that_depend_on_it_and_no_other(
        pipeline: Project, tmp_path: Path, old: str, new: str, stages: str) -> None:
    settings = pipeline.params.read_text()
    assert old in settings
    pipeline.params.write_text(settings.replace(old, new, 1))
    run_dvc(pipeline, "repro")
    assert (tmp_path / "ran").read_text().strip() == stages
    run_dvc(pipeline, "repro")
    assert (tmp_path / "ran").read_text().strip() == stages


@pytest.fixture
def stranger() -> Iterator[int]:
    """The id of a process that is no DVC, though it names one of its files."""
    with subprocess.Popen([sys.executable, "-c", "input()", "dvc.yaml"], stdin=subprocess.PIPE) as process:
        yield process.pid


@pytest.mark.parametrize("left", ["other process", "torn"])
def test_what_a_killed_dvc_left_locked_does_not_block_the_next(tmp_path: Path, stranger: int, left: str) -> None:
    project = small_project(tmp_path)
    held = {"pid": stranger, "cmd": "dvc push"}
    lock = tmp_path / ".dvc" / "tmp" / "rwlock"
    lock.write_text(json.dumps({"write": {str(project.data.root / "media"): held}}) if left != "torn" else '{"write": {"/da')
    (project.data.root / "metrics.json").write_text("{}")
    for name in ("growth.csv", "left_out.csv"):
        (project.data.root / name).write_text("a\n1\n")
    assert "ERROR" not in run_dvc(project, "commit", "--force")


def test_a_dvc_that_is_at_work_is_waited_for_but_not_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dvc, "BACKOFF_SECONDS", 0.0)
    monkeypatch.setattr(dvc, "ATTEMPTS", 1)
    project = init_project(tmp_path)
    run_dvc(project, "status")
    with (tmp_path / ".dvc" / "tmp" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(TransientError, match="another DVC is at work"):
            run_dvc(project, "status")
    monkeypatch.setattr(dvc, "ATTEMPTS", 2)
    once, tries = dvc._run, list[int]()

    def freed_after_the_first(*given: Any) -> Any:
        tries.append(1)
        with (tmp_path / ".dvc" / "tmp" / "lock").open("w") as lock:
            if len(tries) == 1:
                fcntl.flock(lock, fcntl.LOCK_EX)
            return once(*given)

    monkeypatch.setattr(dvc, "_run", freed_after_the_first)
    run_dvc(project, "status")
    assert len(tries) == 2


def test_what_dvc_complains_of_is_one_line(tmp_path: Path) -> None:
    project = init_project(tmp_path)
    with pytest.raises(WorkflowError) as caught:
        run_dvc(project, "commit", "--force")
    assert str(caught.value).startswith("dvc commit: failed to commit - output 'data/media' does not exist")
    assert "\n" not in str(caught.value)
    assert not isinstance(caught.value, TransientError)


def test_a_store_that_dies_under_a_push_is_given_up_soon(
        tmp_path: Path, aws_environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """DVC alone would try each of the many objects for as long again."""
    monkeypatch.setattr(dvc, "LOOK_SECONDS", 0.5)
    project = small_project(tmp_path / "project")
    many = project.data.media("site_0")
    for number in range(60):
        (many / f"part{number}").write_bytes(number.to_bytes(4, "big") * 50_000)
    for name in ("metrics.json", "growth.csv", "left_out.csv"):
        (project.data.root / name).write_text("{}")
    run_dvc(project, "commit", "--force")
    (tmp_path / "buckets").mkdir()
    with RcloneServer(tmp_path / "buckets") as server, Wire(server.port) as wire:
        set_remote(project, f"s3://{new_bucket(server.endpoint)}/p", endpoint=wire.endpoint)
        wire.cut(up=1_000_000, for_good=True)
        with pytest.raises(TransientError, match="the store does not answer") as caught:
            run_dvc(project, "push")
        assert SECRET_KEY not in str(caught.value)
        wire.mend()
        assert "pushed" in run_dvc(project, "push")
    assert any((tmp_path / "buckets").rglob("files/md5/*/*"))


def test_credentials_are_hidden_wherever_they_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    said = hide_secrets(
        f"{SECRET_KEY} at http://ada:{SECRET_KEY}@host/ and http://bob:pw@host/?X-Amz-Signature=abc&x=1 with {ACCESS_KEY}")
    assert said == "*** at http://***@host/ and http://***@host/?X-Amz-Signature=***&x=1 with ***"
