"""The steps of a retraining, as Prefect tasks."""

from pathlib import Path
from uuid import UUID

from prefect import get_run_logger, task
from prefect.artifacts import create_markdown_artifact, create_progress_artifact, update_progress_artifact
from prefect.cache_policies import NO_CACHE

from tasks.evaluation.candidate import TrainingPlan, train_planned
from tasks.evaluation.champion import Champion, promote
from tasks.evaluation.decide import Decision, decide
from tasks.evaluation.gate import headline
from tasks.params import Params
from tasks.storage.layout import DataFolder


@task(task_run_name="train-{plan.net}", cache_policy=NO_CACHE)
def train_candidate(data: DataFolder, plan: TrainingPlan, params: Params, code: str) -> Path:
    """The folder of the version that the plan asks for; its progress is seen in the UI."""
    shown = create_progress_artifact(0.0, description=f"training {plan.net} on {plan.dataset[:12]}")
    assert isinstance(shown, UUID)  # not a coroutine: there is no event loop here
    told = -1

    def progress(what: str, done: int, of: int) -> None:
        nonlocal told
        if of and (percent := 100 * done // of) != told:
            told = percent
            update_progress_artifact(shown, float(percent), description=what)

    folder = train_planned(data, plan, params, code=code, progress=progress)
    update_progress_artifact(shown, 100.0, description=folder.name)
    return folder


@task(task_run_name="evaluate-{folder.name}", cache_policy=NO_CACHE)
def judge_candidate(data: DataFolder, folder: Path, params: Params) -> Decision:
    """Candidate and champion on the test split, side by side, and whether the one may take the other's place."""
    net = folder.parent.name
    decision = decide(data.models, net, folder.name, data.dataset, data.cache / "evaluation", params.gate)
    verdict = decision.verdict
    said = "Promoted" if verdict.passed else "Refused"
    lines = [f"# {said}: {net} {folder.name}", *(f"- {reason}" for reason in verdict.reasons), "", *headline(verdict)]
    create_markdown_artifact("\n".join(lines), key=f"verdict-{folder.name}", description=verdict.summary[:200])
    get_run_logger().info("%s", verdict.summary)
    return decision


@task(task_run_name="promote-{folder.name}", cache_policy=NO_CACHE)
def promote_candidate(data: DataFolder, folder: Path, decision: Decision) -> Champion:
    """Make it the champion."""
    return promote(data.models, folder.parent.name, folder.name, decision.verdict)
