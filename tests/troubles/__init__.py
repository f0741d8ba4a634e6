"""Tests of a dispatcher and workers in this process, with failing providers, databases and brokers."""
