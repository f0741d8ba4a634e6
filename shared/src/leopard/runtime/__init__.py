"""How a service runs: serving, supervision, probes and an orderly end."""
