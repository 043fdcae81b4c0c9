"""One module for each vector file; each has `document()`, which returns what the file holds."""
