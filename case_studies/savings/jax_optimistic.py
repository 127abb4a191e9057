"""JAX: bounds, and ten steps along a policy and a jump for each search."""

# New algorithm, that of `numpy_optimistic`.

import jax
import jax.numpy as jnp

from case_studies.savings.jax_bounds import jump

STEPS = 10  # along a policy before it is improved again


@jax.jit
def savings(w, y, P, β, γ, R, accuracy):
    """Return value and policy, each (m, n), by optimistic policy iteration."""
    c = R * w[:, None, None] + y[:, None] - w  # (m, n, m)
    reward = jnp.where(c > 0, jnp.where(c > 0, c, 1) ** (1 - γ) / (1 - γ), -jnp.inf)
    levels, incomes = jnp.arange(w.size), jnp.arange(y.size)

    def search(v):
        choices = reward + β * jax.lax.optimization_barrier(v @ P.T).T
        better = choices.max(axis=2)
        best = choices == better[:, :, None]
        policy = jnp.where(best, levels, w.size).min(axis=2)  # as argmax, on vectors
        low, high = (better - v).min(), (better - v).max()
        return better + β / (1 - β) * (low + high) / 2, policy, high - low

    def too_far(state):
        return state[2] > 2 * accuracy * (1 - β) / β

    def round_of_steps(state):
        v, policy, _ = state
        kept = jnp.take_along_axis(reward, policy[:, :, None], 2)[:, :, 0]

        def follow(_, steps):
            _, second, third = steps
            return second, third, kept + β * (third @ P.T)[policy, incomes]

        steps = jax.lax.fori_loop(0, STEPS, follow, (v, v, v))
        return search(jump(*steps, β))

    start = search(jnp.zeros((w.size, y.size), w.dtype))
    return jax.lax.while_loop(too_far, round_of_steps, start)[:2]
