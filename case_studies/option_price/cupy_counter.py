"""CuPy without a state: a kernel makes random words from their place, and adds up."""

import cupy as cp

WORDS = r"""
__device__ unsigned long long word(unsigned long long key, unsigned long long i) {
    unsigned long long z = key + i * 0x9E3779B97F4A7C15ULL;  // SplitMix64
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
}
template <typename T>
__device__ T payoff(unsigned int seed, long long path, T middle, T scale, T strike) {
    unsigned long long key = word(0, seed + 1ULL), pair = path / 2 * 2;
    T step = 1.0 / (1ULL << 53), turn = 6.283185307179586;
    T u = step * (T)(word(key, pair) >> 11) + step / 2;
    T v = step * (T)(word(key, pair + 1) >> 11) + step / 2;
    T radius = sqrt(-2 * log(u));  // Box and Muller: two uniform make two normal
    T z = radius * (path % 2 ? sin(turn * v) : cos(turn * v));
    return max(middle * exp(scale * z) - strike, (T)0);
}
"""
payoff_sums = cp.ReductionKernel(
    "uint32 seed, int64 path, T middle, T scale, T strike",
    "T total",
    "payoff<T>(seed, path, middle, scale, strike)",
    "a + b",
    "total = a",
    "0",
    "payoff_sums",
    preamble=WORDS,
)


def option_price(contract, seeds, n_paths):
    """Return means of payoffs (m,), on the GPU.  contract: (5,); seeds: (m,)."""
    spot, strike, rate, volatility, years = contract
    middle = spot * cp.exp((rate - volatility**2 / 2) * years)
    scale, paths = volatility * cp.sqrt(years), cp.arange(n_paths)
    sums = payoff_sums(seeds[:, None], paths, middle, scale, strike, axis=1)
    return cp.exp(-rate * years) * sums / n_paths
