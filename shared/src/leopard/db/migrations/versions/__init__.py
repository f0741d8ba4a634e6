"""The revisions, oldest first. A revision never imports tables or rules: it must mean the same next year."""
