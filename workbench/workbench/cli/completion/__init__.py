"""Completing words in a shell: the shells' own scripts are thin, and ask `workbench completion candidates`."""
