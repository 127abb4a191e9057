"""The makers' commands; each runs as ``python -m tools.<name>``."""
