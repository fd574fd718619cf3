"""Meeting other libraries: NumPy's protocols, DLPack, the CUDA array interface.

Memory that somebody else may write is read at once and never later.
"""
