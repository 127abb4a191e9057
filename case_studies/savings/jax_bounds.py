"""JAX with bounds and a jump ahead, those of `numpy_bounds` (new algorithm)."""

import jax
import jax.numpy as jnp


def jump(first, second, third, β):
    """Return where three steps in a row lead, if their differences shrink on alike."""
    before, change = second - first, third - second
    before, change = (d - (d.min() + d.max()) / 2 for d in (before, change))
    size = (before * before).sum()
    λ = (change * before).sum() / jnp.where(size > 0, size, 1)
    λ = jnp.where((λ > 0) & (λ < β), λ, 0)
    return third + λ / (1 - λ) * change


@jax.jit
def savings(w, y, P, β, γ, R, accuracy):
    """Return value and policy, each (m, n), by value function iteration with bounds."""
    c = R * w[:, None, None] + y[:, None] - w  # (m, n, m)
    reward = jnp.where(c > 0, jnp.where(c > 0, c, 1) ** (1 - γ) / (1 - γ), -jnp.inf)

    def step(v):
        expected = jax.lax.optimization_barrier(v @ P.T)
        better = (reward + β * expected.T).max(axis=2)
        low, high = (better - v).min(), (better - v).max()
        return better + β / (1 - β) * (low + high) / 2, high - low

    def too_far(state):
        return state[1] > 2 * accuracy * (1 - β) / β

    def three_steps(state):
        first, _ = step(state[0])
        second, _ = step(first)
        third, spread = step(second)
        ahead = jump(first, second, third, β)
        return jnp.where(too_far((third, spread)), ahead, third), spread

    start = jnp.zeros((w.size, y.size), w.dtype), jnp.asarray(jnp.inf, w.dtype)
    v, _ = jax.lax.while_loop(too_far, three_steps, start)
    return v, (reward + β * (P @ v.T)).argmax(axis=2)
