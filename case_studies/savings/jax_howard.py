"""JAX: Howard's policy iteration, the value of a policy from linear equations."""

# New algorithm: the value of a policy solves m·n linear equations.  As a matrix they
# would be m²n² numbers; here they are a function that is applied, in Krylov's way.

import jax
import jax.numpy as jnp


@jax.jit
def savings(w, y, P, β, γ, R, accuracy):
    """Return value and policy, each (m, n), by policy iteration."""
    c = R * w[:, None, None] + y[:, None] - w  # (m, n, m)
    reward = jnp.where(c > 0, jnp.where(c > 0, c, 1) ** (1 - γ) / (1 - γ), -jnp.inf)
    incomes = jnp.arange(y.size)

    def solve(policy, guess):
        kept = jnp.take_along_axis(reward, policy[:, :, None], 2)[:, :, 0]
        solver = jax.scipy.sparse.linalg.bicgstab

        def left(v):
            return v - β * (v @ P.T)[policy, incomes]

        return solver(left, kept, x0=guess, tol=1e-6)[0]

    def step(state):
        v, policy, _ = state
        v = solve(policy, v)
        choices = reward + β * jax.lax.optimization_barrier(v @ P.T).T
        better, policy = choices.max(axis=2), choices.argmax(axis=2)
        return better, policy, jnp.abs(better - v).max()

    def too_far(state):
        return state[2] > accuracy * (1 - β) / β

    v = jnp.zeros((w.size, y.size), w.dtype)
    start = v, reward.argmax(axis=2), jnp.asarray(jnp.inf, w.dtype)
    return jax.lax.while_loop(too_far, step, start)[:2]
