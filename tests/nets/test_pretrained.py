"""Weights of others: from a folder of this machine, never from a pickle, never from the network."""

import socket
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from tasks.errors import InputError, IntegrityError
from tasks.nets.pretrained import new_towers
from tasks.nets.store import Calibration, TrainedNet, load_net, save_net
from tasks.params import NetsParams
from tests.training.worlds import tiny_params

SIZES: dict[str, Any] = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
                         "image_size": 32, "patch_size": 8}


def params(image: str, place: Path | str) -> NetsParams:
    return tiny_params(nets__image=image, nets__pretrained=str(place)).nets


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture(scope="module")
def clip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from transformers import CLIPConfig, CLIPModel

    torch.manual_seed(5)
    text = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "vocab_size": 50}
    folder = tmp_path_factory.mktemp("clip")
    CLIPModel(CLIPConfig(text_config=text, vision_config=SIZES, projection_dim=8)).save_pretrained(folder)
    return folder


def test_a_clip_folder_gives_its_image_tower(clip_folder: Path, no_network: None, tmp_path: Path) -> None:
    from transformers import CLIPModel

    towers = new_towers(params("pretrained", clip_folder)).eval()
    pictures = torch.randint(0, 256, (2, 3, 32, 56), dtype=torch.uint8)
    assert towers.embed_pictures(pictures).shape == (2, 16)
    theirs = CLIPModel.from_pretrained(clip_folder, local_files_only=True).vision_model.state_dict()
    ours = {name.removeprefix("vision_model."): value for name, value in towers.image.model.state_dict().items()}
    assert set(ours) == set(theirs)
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    net = TrainedNet(towers.spec, towers, ("egg", "pan"), Calibration(1.0, (0.0, 0.0)))
    save_net(tmp_path, net)
    again = load_net(tmp_path)  # without the folder it came from
    assert torch.equal(again.towers.embed_pictures(pictures), towers.embed_pictures(pictures))


def test_a_vit_folder_gives_its_tower_too(no_network: None, tmp_path: Path) -> None:
    from transformers import ViTConfig, ViTModel

    ViTModel(ViTConfig(**SIZES)).save_pretrained(tmp_path)
    towers = new_towers(params("pretrained", tmp_path))
    assert towers.embed_pictures(torch.zeros(2, 3, 32, 56, dtype=torch.uint8)).shape == (2, 16)


def test_weights_of_an_earlier_net_of_ours_begin_a_new_one(tmp_path: Path) -> None:
    torch.manual_seed(9)
    earlier = new_towers(params("small", ""))
    save_file(earlier.state_dict(), tmp_path / "weights.safetensors")
    towers = new_towers(params("small", tmp_path / "weights.safetensors"))
    for name, value in earlier.image.state_dict().items():
        assert torch.equal(value, towers.image.state_dict()[name])
    assert not torch.equal(earlier.to_space.weight, towers.to_space.weight)


def test_pickles_and_other_architectures_are_refused(clip_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text((clip_folder / "config.json").read_text())
    torch.save({}, tmp_path / "pytorch_model.bin")
    with pytest.raises(InputError, match="pickle"):
        new_towers(params("pretrained", tmp_path))
    torch.save({}, tmp_path / "model.safetensors")
    with pytest.raises(IntegrityError, match="not safetensors"):
        new_towers(params("pretrained", tmp_path))
    save_file({"something": torch.zeros(2)}, tmp_path / "model.safetensors")
    with pytest.raises(IntegrityError, match="lacks"):
        new_towers(params("pretrained", tmp_path))
    (tmp_path / "config.json").write_text('{"model_type": "mystery", "auto_map": {"AutoModel": "evil.Code"}}')
    with pytest.raises(InputError, match="mystery"):
        new_towers(params("pretrained", tmp_path))


@pytest.mark.parametrize("image", ["small", "pretrained"])
def test_a_missing_path_is_named(tmp_path: Path, image: str) -> None:
    with pytest.raises(InputError, match="absent"):
        new_towers(params(image, tmp_path / "absent"))
