"""Old and new versions side by side."""
