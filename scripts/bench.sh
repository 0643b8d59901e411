#!/usr/bin/env bash
# Measures Rollcall beside its yardsticks and prints the tables that BENCH.md explains. Takes less than three minutes; at full size, half an hour.
#
#   scripts/bench.sh [folder]       the folder is made for the run and removed; on the disk that is to be measured
#   BENCH_SCALE=full scripts/bench.sh
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d "${1:-${TMPDIR:-/tmp}}/rollcall-bench-XXXXXX")
trap 'rm -rf "$work"' EXIT
go build -o "$work/rollcall" ./cmd/rollcall
go build -o "$work/bench" ./scripts/bench
"$work/bench" "$work/rollcall" "$work/data"
go test -run '^$' -bench Rebuild -benchtime 1x ./projections # a rebuild of the read model beside bare inserts of the same rows
