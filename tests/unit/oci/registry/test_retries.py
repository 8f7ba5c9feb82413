from __future__ import annotations

import pytest

from pystatic_tasks.errors import PushError
from pystatic_tasks.oci.registry.retries import PassingError, patiently


class Work:
    """Fails by these errors, one after the other, and then is done; writes down what is said and waited for."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.said: list[str] = []
        self.waited: list[float] = []

    def once(self) -> str:
        if self.errors:
            raise self.errors.pop(0)
        return "done"

    def run(self) -> str:
        return patiently(self.once, self.said.append, self.waited.append)


def test_what_works_is_done_once() -> None:
    work = Work()
    assert (work.run(), work.said, work.waited) == ("done", [], [])


def test_what_may_pass_is_tried_again_after_a_while() -> None:
    work = Work(PassingError("It is busy."), PassingError("It is gone."))
    assert work.run() == "done"
    assert work.waited == [0.5, 1.0]
    assert work.said == ["It is busy. Trying again in 0.5 s.", "It is gone. Trying again in 1 s."]


def test_the_last_failure_is_the_one_that_counts() -> None:
    work = Work(*[PassingError(f"It is busy ({number}).") for number in range(9)])
    with pytest.raises(PassingError) as caught:
        work.run()
    assert str(caught.value) == ("It is busy (4).\nPush again later: what the registry already has is not sent again.")
    assert work.waited == [0.5, 1.0, 2.0, 4.0]


def test_what_will_not_pass_is_not_tried_again() -> None:
    work = Work(PushError("It is forbidden."))
    with pytest.raises(PushError, match="forbidden"):
        work.run()
    assert work.waited == []


@pytest.mark.parametrize(("asked", "waited"), [(3, 3), (0.1, 0.5), (3600, 30)])
def test_a_registry_may_ask_for_more_time_but_not_for_hours(asked: float, waited: float) -> None:
    work = Work(PassingError("It is busy.", after_seconds=asked))
    work.run()
    assert work.waited == [waited]
