"""Show that the environment is the job's own."""

import sys

import humanize

print("Python", sys.version.split()[0], "in", sys.prefix)
print("humanize", humanize.__version__, "says", humanize.intword(1234567))
