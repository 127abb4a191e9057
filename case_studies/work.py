"""What any method must do to solve a problem, whatever library it uses."""

from typing import NamedTuple


class Work(NamedTuple):
    """The least work of a problem: it sets how fast an answer can be.

    Attributes
    ----------
    operations : int
        Floating-point operations (additions, multiplications, divisions, comparisons).
    nbytes : int
        Bytes that have to cross the memory bus: inputs read once, results written once.
    """

    operations: int
    nbytes: int
