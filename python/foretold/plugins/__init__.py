"""foretold for other libraries: fsspec, numcodecs, Zarr, joblib and smart_open.

Each module needs its library, and makes foretold known to it when it is imported. numcodecs and
Zarr find theirs by themselves. ``import foretold`` imports none of them.
"""
