"""Tests with a provider that is in trouble, on a dispatcher and workers in this process."""
