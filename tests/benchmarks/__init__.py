"""How fast it is: `python -m benchmarks`, beside ceilings and peers that do the same work in the same run.

Nothing here asserts a time. What is compared is compared inside one run, with everybody's turns interleaved.
"""
