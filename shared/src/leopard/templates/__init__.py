"""Message templates: parsing, rendering, and the recipient's values."""
