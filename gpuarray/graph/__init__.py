"""The recorded graph: nodes, how they become kernels, and when they run.

Nothing here knows a backend: `flush` hands finished `Task` objects to the device's hooks.
"""
