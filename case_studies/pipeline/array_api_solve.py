"""Many small systems of equations at once, with operators alone."""


def solve(a, b):
    """Return x of a x = b, as a list: a[p][q] of positive definite a, and b[p]."""
    n = len(b)
    low = [[None] * n for _ in range(n)]  # Cholesky: a = low · lowᵀ
    for q in range(n):
        for p in range(q, n):
            rest = a[p][q] - sum(low[p][k] * low[q][k] for k in range(q))
            low[p][q] = rest**0.5 if p == q else rest / low[q][q]
    x = []
    for p in range(n):
        x.append((b[p] - sum(low[p][k] * x[k] for k in range(p))) / low[p][p])
    for p in reversed(range(n)):
        x[p] = (x[p] - sum(low[k][p] * x[k] for k in range(p + 1, n))) / low[p][p]
    return x
