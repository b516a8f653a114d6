"""What a training script imports: opening runs and logging. Python 3.8 and the standard library alone.

With the files that `bundle` names it is copied into each workspace and put on the PYTHONPATH of jobs.
"""
