"""The public conformance suite, array-api-tests, on any backend: ``python -m conformance --help``.

In: the name of a backend. Out: a table by chapter of the standard, and JSON. What the suite checks
is changed in `conformance.corrections` alone, and each run says so. Nothing in gpuarray imports it.
"""
