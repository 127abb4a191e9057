"""SciPy's functions for arrays "on the GPU"."""
