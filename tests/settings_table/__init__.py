"""The table of settings in the README, generated from the settings classes."""
