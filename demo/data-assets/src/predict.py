"""Compare what a fitted line says with a table of rainfall."""

import argparse
import csv
import json
from pathlib import Path

import workbench

parser = argparse.ArgumentParser(description=__doc__)
for name in ("model", "table"):
    parser.add_argument("--" + name, required=True)
arguments = parser.parse_args()

line = json.loads((Path(arguments.model) / "line.json").read_text())
with open(arguments.table, newline="") as table:
    for row in csv.DictReader(table):
        month, mm = int(row["month"]), float(row["mm"])
        said = line["at_0"] + line["slope"] * month
        workbench.log({"error_mm": said - mm}, step=month)
        print("month {}: {:g} mm, {:.1f} said".format(month, mm, said))
