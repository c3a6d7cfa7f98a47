from pathlib import Path

from tests.removal.world import CANARY, make_world


def test_what_nets_keep_of_its_pictures_goes(tmp_path: Path) -> None:
    world = make_world(tmp_path)
    cache = world.project.data.cache
    for name in ("search/0123/4567.vectors", "pictures/89ab-72-1.npy"):
        (cache / name).parent.mkdir(parents=True)
        (cache / name).write_bytes(CANARY.encode() + world.pixels[0])
    assert world.traces()
    world.forget()
    assert world.traces() == []
    assert not (cache / "search").exists()
    assert not (cache / "pictures").exists()
