"""Benchmarks: `python -m benchmarks` measures Leopard, ceilings and peers that do the same work in the same run.

No benchmark asserts a time. Contenders are compared only within one run, in alternating turns.
"""
