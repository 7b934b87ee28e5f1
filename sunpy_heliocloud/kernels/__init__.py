"""
The numerical kernels: arrays in, arrays out.

They use no dask, files, units or maps. They release the interpreter lock where possible. They import few
packages, since every worker imports them.
"""
