#!/usr/bin/env bash
# Runs every fuzz target of the module, one after the other; the duration is divided among them.
#
#   scripts/fuzz.sh [duration]      as 10m (which is the default), 90s or 1h
#
# The first target that finds something ends it. Go has then kept the input in the package's testdata/fuzz, where `go test` runs it again.
set -euo pipefail
cd "$(dirname "$0")/.."

duration=${1:-10m}
case $duration in
  *[!0-9]*h | *[!0-9]*m | *[!0-9]*s | [hms]) seconds=0 ;;
  *h) seconds=$((10#${duration%h} * 3600)) ;;
  *m) seconds=$((10#${duration%m} * 60)) ;;
  *s) seconds=$((10#${duration%s})) ;;
  *) seconds=0 ;;
esac
if [ "$seconds" -le 0 ]; then
  echo "fuzz.sh: $duration is no duration; give one as 10m, 90s or 1h" >&2
  exit 2
fi

targets=()
for package in $(go list ./...); do
  names=$(go test -list '^Fuzz' "$package") # in a line of its own, so that a package that does not compile ends this
  for name in $(grep '^Fuzz' <<<"$names" || true); do
    targets+=("$package $name")
  done
done
n=${#targets[@]}
if [ "$n" -eq 0 ]; then
  echo "fuzz.sh: there is no fuzz target" >&2
  exit 1
fi
each=$((seconds / n))
[ "$each" -ge 1 ] || each=1
echo "$n targets, ${each}s each"

i=0
for target in "${targets[@]}"; do
  read -r package name <<<"$target"
  i=$((i + 1))
  printf '\n== %d/%d %s %s\n' "$i" "$n" "${package#*/*/*/}" "$name"
  # Little is spent on making inputs smaller: where goroutines work together, coverage wavers, and that alone would take all the time.
  if ! go test -run '^$' -fuzz "^$name\$" -fuzztime "${each}s" -fuzzminimizetime 10x "$package"; then
    printf '\nFUZZING FAILED: %s of %s; the input stands in its testdata/fuzz/%s\n' "$name" "$package" "$name" >&2
    exit 1
  fi
done
printf '\nall %d targets passed\n' "$n"
