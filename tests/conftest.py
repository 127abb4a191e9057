"""What every test may count on."""

import os

# Before any library starts: JAX computes in float64 where it is given float64, and no
# figure wants a screen.
os.environ.setdefault("JAX_ENABLE_X64", "1")
os.environ.setdefault("MPLBACKEND", "agg")
