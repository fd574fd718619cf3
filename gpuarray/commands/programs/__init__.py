"""The demo's programs: functions of a namespace `xp` and arrays, written only against the standard.

In: NumPy or gpuarray as `xp`, and arrays of it. Out: arrays of it. Nothing in here may know which
of the two it was given, or time, print or evaluate anything.
"""
