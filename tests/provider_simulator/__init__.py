"""Simulate a provider of SMS and WhatsApp messages: fail on demand, and keep a ledger of accepted messages.

The simulator shares no code with the services. It ignores idempotency keys, so that its ledger shows duplicates.
"""
