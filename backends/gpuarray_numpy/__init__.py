"""The NumPy backend of gpuarray: the executable specification of what a task means."""
