"""What is kept is bounded: by its number, its bytes and its age."""

from hypothesis import given
from hypothesis import strategies as st

from quotadeck.client.help.kept import Kept

STEPS = st.lists(
    st.tuples(
        st.sampled_from("abcde"), st.integers(1, 60), st.sampled_from(["put", "get", "wait"])
    ),
    max_size=60,
)


@given(STEPS, st.integers(1, 4), st.integers(1, 100))
def test_it_never_holds_more_than_its_bounds(
    steps: list[tuple[str, int, str]], entries: int, most: int
) -> None:
    now_s = [0.0]
    kept = Kept(entries, most, 100, lambda: now_s[0])
    model: dict[str, tuple[int, float]] = {}
    for key, size, what in steps:
        if what == "wait":
            now_s[0] += size
        elif what == "put":
            kept.put(key, size, size)
            model.pop(key, None)
            if size <= most:
                model[key] = size, now_s[0] + 100
            while len(model) > entries or sum(one for one, _ in model.values()) > most:
                del model[next(iter(model))]
        else:
            known = model.pop(key, None)
            if known and known[1] > now_s[0]:
                model[key] = known
                assert kept.get(key) == known[0]
            else:
                assert kept.get(key) is None
        assert len(kept) == len(model) <= entries
        assert kept.size_bytes == sum(one for one, _ in model.values()) <= most


def test_what_was_used_longest_ago_goes_first() -> None:
    kept = Kept(2, 100, 100, lambda: 0.0)
    for key in "ab":
        kept.put(key, key, 1)
    assert kept.get("a") == "a"
    kept.put("c", "c", 1)
    assert [kept.get(key) for key in "abc"] == ["a", None, "c"]
