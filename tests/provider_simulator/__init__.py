"""A provider of SMS and WhatsApp messages that delivers nothing, fails on demand, and writes down what it accepted.

It shares no code with the services. It does not look at idempotency keys: what it is given twice it accepts twice,
so that its ledger shows duplicates.
"""
