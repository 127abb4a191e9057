"""JAX as the equation is written; the loop is part of the compiled program."""

import jax
import jax.numpy as jnp


@jax.jit
def savings(w, y, P, β, γ, R, accuracy):
    """Return value and policy, each (m, n), by value function iteration."""

    def improve(v):
        c = R * w[:, None, None] + y[:, None] - w  # (m, n, m)
        u = jnp.where(c > 0, jnp.where(c > 0, c, 1) ** (1 - γ) / (1 - γ), -jnp.inf)
        return u + β * (P[:, None] * v).sum(axis=2)

    def step(state):
        v, _ = state
        better = improve(v).max(axis=2)
        return better, jnp.abs(better - v).max()

    def too_far(state):
        return state[1] > accuracy * (1 - β) / β

    start = jnp.zeros((w.size, y.size), w.dtype), jnp.asarray(jnp.inf, w.dtype)
    v, _ = jax.lax.while_loop(too_far, step, start)
    return v, improve(v).argmax(axis=2)
