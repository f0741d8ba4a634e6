"""Exports of customers and messages as files of any size."""
