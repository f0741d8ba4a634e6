"""What tests share: the stores they run on, and rows to begin with."""
