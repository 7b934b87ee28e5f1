"""
The numerical kernels: arrays in, arrays out.

They know nothing of dask, files, units or maps, release the interpreter lock while they work where they can,
and import little, because every worker imports them.
"""
