"""Jupyter panels over `workbench.view`; none yet, see widgets/README.md."""
