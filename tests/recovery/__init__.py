"""Tests that kill, stop or disconnect parts of a local stack."""
