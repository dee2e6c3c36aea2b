import pytest

pytest.register_assert_rewrite(
    "tests.limiter.budget_promises",
    "tests.limiter.conformance",
    "tests.limiter.exact",
    "tests.limiter.exchange_promises",
    "tests.limiter.model",
    "tests.limiter.rate_promises",
)
