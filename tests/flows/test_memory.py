import psutil  # type: ignore[import-untyped]

from flows.memory import Memory, Use, now

GIB = 1 << 30


def test_memory_is_what_the_machine_or_the_group_has() -> None:
    use = now()
    assert 0 < use.used < use.total <= psutil.virtual_memory().total


def test_memory_keeps_the_most_of_the_last_half_minute() -> None:
    with Memory() as memory:
        memory._looks.append(Use(GIB << 20, GIB << 21))
        assert memory.most() == Use(GIB << 20, GIB << 21)


def test_memory_is_tight_before_all_of_it_is_in_use() -> None:
    assert Use(int(23.1 * GIB), 24 * GIB).tight
    assert not Use(20 * GIB, 24 * GIB).tight
