"""Tests in which parts of a local stack are killed, stopped or cut off."""
