"""The shared problems of the course: one package a problem, one file an implementation."""
