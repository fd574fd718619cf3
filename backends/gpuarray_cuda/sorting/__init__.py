"""Sorting along the last axis with kernels of our own, and the hooks of what is done in order."""
