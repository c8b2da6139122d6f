"""What changed when: values that stay until the next step, for those who ask about the past."""

from bisect import bisect_left, bisect_right
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Steps(Generic[Value]):
    """A value and the moments at which it changed."""

    def __init__(self, name: str, initial: Value) -> None:
        self._name = name
        self._times_s = [-float("inf")]
        self._values = [initial]

    @property
    def last(self) -> Value:
        """Get the value after the last step."""
        return self._values[-1]

    @property
    def last_s(self) -> float:
        """Get the moment of the last step."""
        return self._times_s[-1]

    @property
    def first_s(self) -> float:
        """Get the moment from which on the history is kept."""
        return self._times_s[0]

    def __len__(self) -> int:
        return len(self._times_s)

    def step(self, time_s: float, value: Value) -> None:
        """Add a step; it may not lie before the last one. A second one at the same moment replaces the first."""
        if not time_s >= self._times_s[-1]:
            raise ValueError(f"{self._name}: a step at {time_s} s comes after one at {self._times_s[-1]} s")
        if time_s == self._times_s[-1]:
            self._values[-1] = value
        else:
            self._times_s.append(time_s)
            self._values.append(value)

    def at(self, time_s: float) -> tuple[float, Value]:
        """Get the value at a moment, and since when it holds."""
        if time_s >= self._times_s[-1]:
            return self._times_s[-1], self._values[-1]
        index = bisect_right(self._times_s, time_s) - 1
        return self._times_s[index], self._values[index]

    def between(self, start_s: float, end_s: float) -> list[float]:
        """Get the moments of all steps after the start and before the end."""
        if start_s >= self._times_s[-1]:
            return []
        return self._times_s[bisect_right(self._times_s, start_s) : bisect_left(self._times_s, end_s)]

    def forget(self, before_s: float) -> None:
        """Drop what no longer matters to anyone who asks for moments from `before_s` on."""
        index = bisect_right(self._times_s, before_s) - 1
        del self._times_s[:index], self._values[:index]
