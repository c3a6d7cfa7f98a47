"""What a person sees in the form of Prefect's UI, what the schedule asks for, and who waits for whom."""

import importlib
import threading
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.deployments.runner import RunnerDeployment

from flows.deployments import _in_turn, deployments
from flows.schedule import SCHEDULED
from tasks.errors import AlreadyRunningError
from tasks.params import NightlyParams, load_params
from tasks.storage.lock import held_lock
from tasks.storage.project import Project
from tests.flows.server import REPOSITORY


@pytest.fixture
def offered(tmp_path: Path) -> dict[str, RunnerDeployment]:
    params = NightlyParams(cron="30 2 * * mon-fri", timezone="Europe/Berlin", retrain_cron="0 6 * * sat")
    return {deployment.name: deployment for deployment in deployments(Project(tmp_path), params)}


def test_every_parameter_of_a_form_says_what_it_is(offered: dict[str, RunnerDeployment]) -> None:
    for deployment in offered.values():
        schema = deployment._parameter_openapi_schema
        assert all(about["description"] for about in schema.properties.values())
        assert deployment.description
        assert "Args" not in deployment.description
    form = offered["ingest"]._parameter_openapi_schema
    assert form.required == ["sources"]
    assert form.properties["sources"]["items"] == {"type": "string"}
    assert form.properties["words"]["enum"] == ["as in params.yaml", "auto", "captions", "vosk", "pocketsphinx"]


def test_what_the_form_offers_is_what_the_settings_take(offered: dict[str, RunnerDeployment]) -> None:
    form = offered["ingest"]._parameter_openapi_schema.properties
    for field, setting in (("pictures", "frames.mode"), ("words", "transcription.engine")):
        for choice in form[field]["enum"][1:]:
            load_params(REPOSITORY / "params.yaml", {setting: choice})


def test_the_schedule_is_that_of_the_settings(offered: dict[str, RunnerDeployment], tmp_path: Path) -> None:
    schedules = offered["nightly"].schedules
    assert schedules is not None
    [schedule] = schedules
    said = schedule.model_dump(mode="json")
    assert (said["schedule"]["cron"], said["schedule"]["timezone"]) == ("30 2 * * mon-fri", "Europe/Berlin")
    assert said["parameters"] == {"night": SCHEDULED}
    assert not offered["ingest"].schedules
    weekly = [each.model_dump()["schedule"] for each in offered["retrain"].schedules or ()]
    assert [(each["cron"], each["timezone"]) for each in weekly] == [("0 6 * * sat", "Europe/Berlin")]
    assert all(deployment.concurrency_limit is None for deployment in offered.values())  # a dead run would hold it for ever
    assert str(tmp_path) in offered["nightly"].tags


def test_work_pools_get_the_same_flows_and_the_shipped_schedule(offered: dict[str, RunnerDeployment]) -> None:
    listed: dict[str, Any] = {
        each["name"]: each for each in yaml.safe_load((REPOSITORY / "prefect.yaml").read_text())["deployments"]}
    assert {name: each["entrypoint"] for name, each in listed.items()} == {
        name: deployment.entrypoint for name, deployment in offered.items()}
    for each in listed.values():
        module, _, name = each["entrypoint"].rpartition(".")
        assert getattr(importlib.import_module(module), name).name == each["name"]
    shipped = load_params(REPOSITORY / "params.yaml").nightly
    [weekly], [schedule] = listed["retrain"]["schedules"], listed["nightly"]["schedules"]
    assert (weekly["cron"], weekly["timezone"]) == (shipped.retrain_cron, shipped.timezone)
    assert (schedule["cron"], schedule["timezone"]) == (shipped.cron, shipped.timezone)
    assert schedule["parameters"] == {"night": SCHEDULED}


def test_who_comes_second_waits_until_the_data_folder_is_free(tmp_path: Path) -> None:
    home = Project(tmp_path)
    told: list[str] = []
    second = threading.Thread(target=lambda: _in_turn(home, lambda: told.append("second")))
    with held_lock(home.data.lock):
        second.start()
        second.join(timeout=0.2)
        assert second.is_alive()
        told.append("first")
    second.join()
    assert told == ["first", "second"]


def test_a_lock_that_nobody_waits_for_is_told(tmp_path: Path) -> None:
    def elsewhere() -> None:
        raise AlreadyRunningError("another folder", "wait")

    with pytest.raises(AlreadyRunningError, match="another folder"):
        _in_turn(Project(tmp_path), elsewhere)
