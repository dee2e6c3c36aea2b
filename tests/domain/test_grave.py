"""Which lowered limits stop nearly everything, as a pause does."""

import pytest

from quotadeck.domain.commands import Field
from quotadeck.domain.grave import stops_nearly_all
from quotadeck.domain.money import NANO_PER_USD

RPM, TPM, SLOTS, BUDGET = Field.RPM, Field.TPM, Field.CONCURRENCY, Field.BUDGET
USD = NANO_PER_USD


@pytest.mark.parametrize(
    ("name", "was", "becomes", "used"),
    [
        (RPM, 1_000, 1, 0),
        (RPM, 1_000, 100, 0),
        (RPM, 1_000, 300, 640),
        (RPM, 4, 1, 0),
        (RPM, None, 1, 0),
        (RPM, None, 20, 50),
        (TPM, 100_000, 5_000, 0),
        (TPM, None, 500, 0),
        (TPM, 80_000, 30_000, 74_000),
        (SLOTS, 16, 1, 0),
        (SLOTS, 2, 1, 0),
        (SLOTS, None, 1, 0),
        (SLOTS, 16, 4, 9),
        (BUDGET, 500 * USD, 455 * USD, 455 * USD),
        (BUDGET, 500 * USD, 400 * USD, 455 * USD),
        (BUDGET, 500 * USD, 50 * USD, 0),
        (BUDGET, None, USD, 2 * USD),
        (BUDGET, None, USD // 100, 0),
    ],
)
def test_nearly_nothing_is_as_grave_as_a_pause(
    name: Field, was: int | None, becomes: int, used: int
) -> None:
    assert stops_nearly_all(name, was, becomes, used)


@pytest.mark.parametrize(
    ("name", "was", "becomes", "used"),
    [
        (RPM, 1_000, 700, 0),
        (RPM, 1_000, 700, 1_000),
        (RPM, 1_000, 400, 640),
        (RPM, None, 40, 50),
        (TPM, 100_000, 50_000, 74_000),
        (SLOTS, 16, 8, 9),
        (BUDGET, 500 * USD, 460 * USD, 455 * USD),
        (BUDGET, None, 5 * USD, 2 * USD),
    ],
)
def test_lowering_is_not(name: Field, was: int | None, becomes: int, used: int) -> None:
    assert not stops_nearly_all(name, was, becomes, used)


@pytest.mark.parametrize("name", [RPM, TPM, SLOTS, BUDGET])
def test_neither_is_raising_nor_taking_a_limit_away(name: Field) -> None:
    assert not stops_nearly_all(name, 1, 2, 1_000_000 * USD)
    assert not stops_nearly_all(name, 1, 1, 0)
    assert not stops_nearly_all(name, 1, None, 1_000)
