"""Textbook code that the vectors are made with: slow, short, and written from docs/spec alone."""
