#!/usr/bin/env bash
# The main job from raw table to report, on the Thyroid data that ship with askew.
# Usage: examples/demo.sh [FOLDER]   (default: demo). Needs `askew` on the PATH.
set -euo pipefail
folder=${1:-demo}
mkdir -p "$folder"
rm -rf "$folder/model"

# Half of the normal rows train; the other half and all anomalies are the test. Only the test has
# labels, and they reach nothing but the metrics.
askew data split thyroid --out "$folder"
askew fit "$folder/train.csv" --out "$folder/model"
askew score "$folder/model" "$folder/test.csv" --out "$folder/scores.csv" --label label
askew report "$folder/model" "$folder/test.csv" --out "$folder/report.html" --label label
echo "The scored rows are in $folder/scores.csv, the report in $folder/report.html."
