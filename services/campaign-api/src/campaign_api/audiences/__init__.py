"""Audiences: the estimate of how many customers one has, and what is wrong with one."""
