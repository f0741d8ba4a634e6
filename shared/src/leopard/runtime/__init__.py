"""The life of a service process: serving, supervision, probes and graceful shutdown."""
