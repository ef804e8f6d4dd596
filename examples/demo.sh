#!/usr/bin/env bash
# The main job from raw table to report, on the Thyroid data that ship with askew.
# Usage: examples/demo.sh [FOLDER]   (default: demo). Needs `askew` on the PATH.
set -euo pipefail
folder=${1:-demo}
mkdir -p "$folder"
rm -rf "$folder/model"
table=$(askew data path thyroid)

# Every second normal row trains; the other normal rows and all anomalies are the test.
# The last column is the label: 1 is an anomaly. Nothing is learned from it.
awk -F, -v train="$folder/train.csv" -v test="$folder/test.csv" '
    NR == 1               { print > train; print > test; next }
    $NF == 0 && ++n % 2   { print > train; next }
                          { print > test }' "$table"

askew fit "$folder/train.csv" --out "$folder/model" --label label
askew score "$folder/model" "$folder/test.csv" --out "$folder/scores.csv" --label label
askew report "$folder/model" "$folder/test.csv" --out "$folder/report.html"
echo "The scored rows are in $folder/scores.csv, the report in $folder/report.html."
