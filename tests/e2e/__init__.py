"""Tests of a running stack through its public API."""
