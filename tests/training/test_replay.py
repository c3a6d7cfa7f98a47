"""What is shown again: balanced, and in an order that the seed alone decides."""

from dataclasses import replace

import numpy as np
import pytest

from tasks.training.replay import balanced, plan_all, plan_replay
from tasks.training.samples import Samples
from tests.training.worlds import colour_samples


def joined(*parts: Samples) -> Samples:
    whole = parts[0]
    for part in parts[1:]:
        columns = {name: (*getattr(whole, name), *getattr(part, name))
                   for name in ("labels", "video", "channel", "group", "uploaded", "fingerprint")}
        whole = replace(whole, timestamp=np.concatenate([whole.timestamp, part.timestamp]),
                        pictures=replace(whole.pictures, arrays=(*whole.pictures.arrays, *part.pictures.arrays)), **columns)
    return whole


def test_every_picture_is_shown_once_an_epoch_in_another_order() -> None:
    plan = plan_all(colour_samples(50), epochs=2, seed=3)
    assert sorted(plan.rows(0).tolist()) == list(range(50))
    assert plan.rows(0).tolist() != plan.rows(1).tolist()
    assert plan.rows(1).tolist() == plan_all(colour_samples(50), epochs=9, seed=3).rows(1).tolist()


def test_a_prolific_channel_is_not_remembered_better_than_a_quiet_one() -> None:
    samples = joined(colour_samples(900, 1, channel="prolific"), colour_samples(30, 2, channel="quiet"))
    chance = balanced(samples, np.arange(len(samples)))
    of_channel = {name: sum(c for c, channel in zip(chance, samples.channel, strict=True) if channel == name)
                  for name in ("prolific", "quiet")}
    assert of_channel["prolific"] == pytest.approx(of_channel["quiet"])


def test_months_and_groups_of_re_uploads_count_alike() -> None:
    winter = colour_samples(40, 1, uploaded="2026-01-05")
    winter = replace(winter, group=("one",) * 30 + ("two",) * 10)
    samples = joined(winter, colour_samples(200, 2, uploaded="2026-02-05"))
    chance = balanced(samples, np.arange(len(samples)))
    assert chance[:40].sum() == pytest.approx(chance[40:].sum())
    assert chance[:30].sum() == pytest.approx(chance[30:40].sum())


def test_new_pictures_come_every_epoch_and_old_ones_in_turn() -> None:
    old, new = colour_samples(80, 1), colour_samples(20, 2)
    samples = joined(old, new)
    plan = plan_replay(samples, set(old.fingerprint), replay_share=0.5, epochs=3, seed=0)
    epochs = [set(plan.rows(epoch).tolist()) for epoch in range(3)]
    assert all(len(rows) == 40 and set(range(80, 100)) <= rows for rows in epochs)
    assert len(epochs[0] & epochs[1] & set(range(80))) < 20


def test_with_little_to_remember_all_of_it_is_shown() -> None:
    old, new = colour_samples(10, 1), colour_samples(60, 2)
    plan = plan_replay(joined(old, new), set(old.fingerprint), replay_share=0.9, epochs=1, seed=0)
    assert sorted(plan.rows(0).tolist()) == list(range(70))
