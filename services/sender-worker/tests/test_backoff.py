"""Waits between retries grow, and are random."""

from hypothesis import given
from hypothesis import strategies as st

from leopard.runtime.backoff import full_jitter


@given(st.integers(1, 1000), st.floats(0.001, 3600), st.floats(0.001, 86_400))
def test_a_wait_stays_within_its_bounds(failures: int, base: float, maximum: float) -> None:
    wait = full_jitter(failures, base=base, maximum=maximum)
    assert 0 <= wait <= maximum
    if failures < 30:
        assert wait <= base * 2 ** (failures - 1)


def test_the_bound_doubles_and_waits_use_its_full_range() -> None:
    for failures, bound in ((1, 10), (2, 20), (3, 40)):
        waits = [full_jitter(failures, base=10, maximum=900) for _ in range(2000)]
        assert min(waits) < 0.05 * bound
        assert 0.95 * bound < max(waits) <= bound
