from tests.bed.mutate import DAMAGES, mutants

DATA = bytes(range(1, 256)) * 300


def test_a_seed_gives_the_same_mutants_and_another_seed_others() -> None:
    first, again, other = (list(mutants(DATA, 20, seed)) for seed in (1, 1, 2))
    assert first == again
    assert all(a.data != b.data for a, b in zip(first, other, strict=True))


def test_every_kind_of_damage_is_used_and_does_what_it_is_called() -> None:
    made = {mutant.name.split("-")[0]: mutant.data for mutant in mutants(DATA, len(DAMAGES), seed=5)}
    assert set(made) == {"truncate", "flip_bits", "zero_run", "splice", "change_header"}
    assert DATA.startswith(made["truncate"])
    assert len(made["flip_bits"]) == len(made["zero_run"]) == len(made["change_header"]) == len(DATA)
    assert 0 in made["zero_run"]  # DATA has no zero byte
    assert made["change_header"][64:] == DATA[64:]
    changed = sum((a ^ b).bit_count() for a, b in zip(made["flip_bits"], DATA, strict=True))
    assert 1 <= changed <= 64
    assert all(data != DATA for data in made.values())


def test_a_file_of_one_byte_can_be_mutated() -> None:
    assert len(list(mutants(b"x", 50, seed=0))) == 50
