"""Tables of millions of galaxies: partitions of a HATS catalogue, inferred by Dask through lsdb.

Only `galexplorer survey` imports this room, and only with the packages of the extra ``survey``.
"""
