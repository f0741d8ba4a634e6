"""Tests with a provider or a database in trouble, on a dispatcher and workers in this process."""
