"""Meeting other libraries: NumPy's protocols.

Memory that somebody else may write is read at once and never later.
"""
