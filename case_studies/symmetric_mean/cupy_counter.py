"""CuPy: no x at all; a kernel makes x[i, j] and x[j, i] from their places, and adds."""

import cupy as cp

ELEMENT = r"""
template <typename T>
__device__ T element(unsigned long long key, long long j, T unit) {
    unsigned long long z = key + (j + 1ULL) * 0x9E3779B97F4A7C15ULL;  // SplitMix64
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    z ^= z >> 31;
    return unit * (T)(z >> (sizeof(T) == 8 ? 11 : 40));  // as many bits as T has
}
"""
sums = cp.ReductionKernel(
    "uint64 row, int64 i, uint64 column, int64 j, T unit",  # keys and their places
    "T sum",
    "element<T>(row, j, unit) + element<T>(column, i, unit)",
    "a + b",
    "sum = a",
    "0",
    "sums",
    preamble=ELEMENT,
)


def symmetric_mean(keys, unit):
    """Return the column means of x + xᵀ, on the GPU (same mathematics)."""
    n = cp.arange(keys.size)
    unit = cp.full(1, unit)  # an array, since arrays decide what T is
    return sums(keys[:, None], n[:, None], keys, n, unit, axis=0) / keys.size
