"""Fuzzing: damaged and hostile documents, files, caches and URLs, and what becomes of them. See README.md."""
