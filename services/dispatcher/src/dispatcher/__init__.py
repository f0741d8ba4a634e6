"""The dispatcher: turns a send into one job per message, and maintains running campaigns."""
