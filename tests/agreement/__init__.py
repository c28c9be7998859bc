"""How far each component is from an independent reference, over a grid of arguments, shapes and edge cases.

A reference that needs a heavy library is asked once, by `tests/golden/make.py`; its answers are the ``.npz`` files
beside it. A light one (SciPy, scikit-learn, NumPy's linear algebra) is asked in the test, by a module ``live_*`` of
this package. Both give `Case`s, and `measure` does the rest.
"""
