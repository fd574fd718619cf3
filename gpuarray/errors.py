"""The exceptions of gpuarray that Python has no name for.

Argument errors are `TypeError`, `ValueError`, `IndexError` and `OverflowError`, raised at the call.
These here come from a device, and say what was asked, what was found and what to do.
"""

__all__ = ["BackendUnavailable", "DeviceError", "OutOfMemory"]


class BackendUnavailable(RuntimeError):
    """A backend asked for by name cannot start; the message says why and what to install."""


class DeviceError(RuntimeError):
    """A device reported a fault; the message names the operation that ran."""


class OutOfMemory(MemoryError):
    """A device has no memory left; the message says what was asked, used, held and free (bytes)."""
