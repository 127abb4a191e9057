"""Numbers that articles print to the last digit, and what the libraries say."""

import numpy as np
import pytest

jax = pytest.importorskip("jax")
jnp = jax.numpy


@pytest.mark.parametrize("dtype", ["float32", "float64"])
class TestSumOfSquares:
    """The sums over rows of (x + y)² (claim B4): every digit is exact."""

    def rows(self, xp, dtype: str):
        x = xp.asarray([[1, 2, 3], [4, 5, 6]], dtype=dtype)
        y = xp.asarray([0, 0.5, 1], dtype=dtype)
        return ((x + y) ** 2).sum(axis=1)

    def test_numpy_gives_the_printed_numbers(self, dtype: str) -> None:
        assert self.rows(np, dtype).tolist() == [23.25, 95.25]

    def test_jax_gives_the_same(self, dtype: str) -> None:
        result = self.rows(jnp, dtype)
        assert result.dtype == dtype
        assert result.tolist() == [23.25, 95.25]

    def test_compiling_changes_nothing(self, dtype: str) -> None:
        result = jax.jit(lambda: self.rows(jnp, dtype))()
        assert result.tolist() == [23.25, 95.25]


class TestGradient:
    """The gradient of sum(v²) + 0.1 sum(sin v) (claim B5)."""

    V = np.array([0.5, -1.2, 3.0], dtype="float32")
    PRINTED = np.array([1.0877583, -2.3637643, 5.901001], dtype="float32")

    @staticmethod
    def loss(v):
        return jnp.sum(v**2) + 0.1 * jnp.sum(jnp.sin(v))

    @pytest.mark.parametrize("compiled", [False, True])
    def test_is_the_printed_one_but_for_a_rounding(self, compiled: bool) -> None:
        gradient = jax.grad(self.loss)
        found = np.asarray((jax.jit(gradient) if compiled else gradient)(self.V))
        assert found.dtype == "float32"
        assert (np.abs(found - self.PRINTED) <= np.spacing(np.abs(self.PRINTED))).all()

    def test_the_printed_one_is_that_of_the_formula(self) -> None:
        exact = 2 * self.V.astype(float) + 0.1 * np.cos(self.V.astype(float))
        assert (np.abs(self.PRINTED - exact) <= np.spacing(np.abs(self.PRINTED))).all()

    def test_a_wrong_gradient_is_more_than_a_rounding_away(self) -> None:
        without_sine = 2 * self.V
        assert (np.abs(without_sine - self.PRINTED) > 1e-3).all()
