from crm_helpers.run.schedule import run_side_by_side

AFTER = {
    "1": frozenset(), "2": frozenset({"1"}), "3": frozenset({"1"}), "4": frozenset({"1"}),
    "5": frozenset({"4"}), "6": frozenset({"2", "3", "4", "5"}),
}  # fmt: skip


def begun(after, *, failing=""):
    order = []

    def begin(name):
        order.append(name)
        return lambda: name

    run_side_by_side(
        sorted(after), after, begin=begin, done=lambda name: name != failing, stop=lambda: None, jobs=1
    )
    return order


def test_what_most_others_wait_for_goes_first_then_the_earlier():
    assert begun(AFTER) == ["1", "4", "2", "3", "5", "6"]


def test_nothing_starts_before_what_it_waits_for():
    order = begun(AFTER)
    assert all(order.index(need) < order.index(name) for name, needs in AFTER.items() for need in needs)


def test_after_a_failure_nothing_more_starts():
    assert begun(AFTER, failing="4") == ["1", "4"]
