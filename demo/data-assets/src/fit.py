"""Fit a line to a table of rainfall; write it as a model, and the table without what is no number."""

import argparse
import csv
import json
from pathlib import Path

import workbench

parser = argparse.ArgumentParser(description=__doc__)
for name in ("table", "model", "clean"):
    parser.add_argument("--" + name, required=True)
arguments = parser.parse_args()

with open(arguments.table, newline="") as table:
    rows = [(int(row["month"]), float(row["mm"])) for row in csv.DictReader(table) if row["mm"].isdecimal()]
mean_month = sum(month for month, _ in rows) / len(rows)
mean_mm = sum(mm for _, mm in rows) / len(rows)
slope = sum((m - mean_month) * (mm - mean_mm) for m, mm in rows) / sum((m - mean_month) ** 2 for m, _ in rows)
(Path(arguments.model) / "line.json").write_text(json.dumps({"slope": slope, "at_0": mean_mm - slope * mean_month}))
lines = ["month,mm"] + ["{},{:g}".format(month, mm) for month, mm in rows]
(Path(arguments.clean) / "rain.csv").write_text("\n".join(lines) + "\n")
workbench.log({"slope": slope})
print("slope: {:.2f} mm a month".format(slope))
