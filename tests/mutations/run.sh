#!/usr/bin/env bash
# Does the campaign find what it is there to find? Plants each bug of *.patch into a copy of the tree, builds the daemon, and lets
# `signalbox sim fuzz` look for it; a bug that it does not find is a hole in the checker, and fails.
#   tests/mutations/run.sh                    all of them
#   tests/mutations/run.sh leaked_slot ...    these
# SEEDS (default "1-100 101-500 501-2000", spans that are run until one fails), TASKS (200), JOBS (2), FOLDER (build/mutations, kept:
# only what a patch touches is compiled). Prints a table: the bug, the first seed that found it, the invariant that was broken, the
# seconds that it took, and what `sim shrink` leaves of that seed.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
root=$PWD
patches=$root/tests/mutations
folder=$(realpath -m "${FOLDER:-build/mutations}")
tree=$folder/tree
program=$tree/build/dev/signalbox
read -ra spans <<<"${SEEDS:-1-100 101-500 501-2000}"
tasks=${TASKS:-200}
jobs=${JOBS:-2}
names=("$@")
if [ ${#names[@]} -eq 0 ]; then
  for patch in "$patches"/*.patch; do names+=("$(basename "$patch" .patch)"); done
fi
for name in "${names[@]}"; do
  [ -f "$patches/$name.patch" ] || { echo "there is no $patches/$name.patch" >&2; exit 2; }
done

# A file that has not changed keeps its time, so that it is not compiled again.
copy_tree() {
  mkdir -p "$tree"
  git ls-files -co --exclude-standard -z | xargs -0 cp --update --parents --target-directory="$tree" 2>>"$folder/copy.log"
}
# What is planted has to go, also when this script was stopped meanwhile.
plant() { patch --directory="$tree" --strip=1 --silent --forward <"$1" && cp "$1" "$folder/planted"; }
uproot() {
  [ ! -f "$folder/planted" ] || { patch --directory="$tree" --strip=1 --silent --reverse <"$folder/planted" && rm "$folder/planted"; }
}
# As the tree itself is built, so that what a patch does not touch comes from the compiler's cache.
build() {
  (cd "$tree" && cmake --preset dev -DSIGNALBOX_TESTS=OFF && cmake --build --preset dev -j "$jobs" --target signalbox) >"$folder/build.log" 2>&1
}
# Prints the first failure, "seed N: I7 at ...", if there is one. That a rare path was never taken is none here.
fuzz() {
  local span found
  for span in "${spans[@]}"; do
    timeout 1800 "$program" sim fuzz --seeds "$span" --jobs "$jobs" --tasks "$tasks" >"$folder/$1.out" 2>"$folder/$1.err"
    found=$(grep -E '^seed [0-9]+: ' "$folder/$1.out" | head -n 1)
    [ -z "$found" ] || { echo "$found"; return; }
  done
}

uproot
copy_tree
build || { echo "the tree does not build: $folder/build.log" >&2; exit 2; }
# Only what is sound can tell.
found=$(fuzz sound)
[ -z "$found" ] || { echo "the campaign fails without any bug: $found" >&2; exit 2; }

printf '%-32s%-8s%-12s%-9s%s\n' BUG SEED INVARIANT SECONDS SHRUNK
missed=0
look_for() {
  local name=$1 began=$SECONDS
  if ! build; then
    printf '%-32s%s\n' "$name" "does not build: $folder/build.log"
    return 1
  fi
  local found
  found=$(fuzz "$name")
  if [ -z "$found" ]; then
    printf '%-32s%-8s%-12s%s\n' "$name" - "NOT FOUND" $((SECONDS - began))
    return 1
  fi
  local seed took=$((SECONDS - began)) left
  seed=$(grep -oE '[0-9]+' <<<"$found" | head -n 1)
  "$program" sim shrink --seed "$seed" --tasks "$tasks" --out "$folder/$name.yaml" >"$folder/$name.shrunk" 2>&1
  left=$(sed -nE 's/^and still with +//p' "$folder/$name.shrunk")
  printf '%-32s%-8s%-12s%-9s%s\n' "$name" "$seed" "$(grep -oE '\bI[0-9]+\b|crash' <<<"$found" | head -n 1)" "$took" "$left"
}
for name in "${names[@]}"; do
  if plant "$patches/$name.patch"; then
    look_for "$name" || missed=$((missed + 1))
    uproot
  else
    printf '%-32s%s\n' "$name" "does not apply"
    missed=$((missed + 1))
  fi
done
exit "$((missed > 0))"
