"""What a training script imports: opening runs and logging. Python 3.8 and the standard library alone.

With the files that `bundle` names it is copied into each workspace and put on the PYTHONPATH of jobs.

Every script waits while this is loaded. So what a run is opened with takes `typing`, which alone is a tenth of that
time, only for those who check types: they hold `TYPE_CHECKING` for true, whatever it is set to.
"""
