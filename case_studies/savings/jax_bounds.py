"""JAX with bounds on what is left to add, those of `numpy_bounds` (new algorithm)."""

import jax
import jax.numpy as jnp


@jax.jit
def savings(w, y, P, β, γ, R, accuracy):
    """Return value and policy, each (m, n), by value function iteration with bounds."""
    c = R * w[:, None, None] + y[:, None] - w  # (m, n, m)
    reward = jnp.where(c > 0, jnp.where(c > 0, c, 1) ** (1 - γ) / (1 - γ), -jnp.inf)

    def step(state):
        v, _ = state
        expected = jax.lax.optimization_barrier(v @ P.T)
        better = (reward + β * expected.T).max(axis=2)
        low, high = (better - v).min(), (better - v).max()
        return better + β / (1 - β) * (low + high) / 2, high - low

    def too_far(state):
        return state[1] > 2 * accuracy * (1 - β) / β

    start = jnp.zeros((w.size, y.size), w.dtype), jnp.asarray(jnp.inf, w.dtype)
    v, _ = jax.lax.while_loop(too_far, step, start)
    return v, (reward + β * (P @ v.T)).argmax(axis=2)
