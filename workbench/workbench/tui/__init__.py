"""The dashboard in a terminal. It draws view models and never asks the store on its own thread."""
