"""Read a table and a folder of notes; write a summary file and one file for each row."""

import argparse
import csv
from pathlib import Path

import workbench

parser = argparse.ArgumentParser(description=__doc__)
for name in ("title", "table", "notes", "summary", "parts"):
    parser.add_argument("--" + name, required=True)
arguments = parser.parse_args()

with open(arguments.table, newline="") as table:
    rows = list(csv.DictReader(table))
parts = Path(arguments.parts)
for row in rows:
    (parts / "month-{}.txt".format(row["month"])).write_text(row["mm"] + " mm\n")
    workbench.log({"rain_mm": float(row["mm"])}, step=int(row["month"]))
notes = [note.read_text().strip() for note in sorted(Path(arguments.notes).iterdir())]
total = sum(float(row["mm"]) for row in rows)
Path(arguments.summary).write_text("{}: {:g} mm\n{}\n".format(arguments.title, total, "\n".join(notes)))
print("summed", len(rows), "months:", total, "mm")
