"""The shared problems: one package a problem, one file an implementation."""
