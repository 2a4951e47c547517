#!/usr/bin/env bash
# Runs the end-to-end tests against $SIGNALBOX_BIN (else the newest build): tests/e2e/run.sh [FILE...]
# Installs the npm packages when they are missing. Ends with "e2e: N passed, N failed, N skipped" and the tests' exit code.
set -uo pipefail
if [ -n "${SIGNALBOX_BIN:-}" ]; then
  SIGNALBOX_BIN=$(realpath "$SIGNALBOX_BIN") || exit 1
  export SIGNALBOX_BIN
fi
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1

# Not `npm ci`: the lock cannot name node-llama-cpp's packages for other systems, which not every registry has, and `npm ci`
# takes that for a lock out of step. `--no-save` installs exactly what the lock says and leaves it as it is.
if ! cmp -s package-lock.json node_modules/.installed-from; then
  npm install --no-save --omit=optional --ignore-scripts --no-audit --no-fund --loglevel=error >&2 || { echo "e2e: npm install failed" >&2; echo "e2e: 0 passed, 1 failed, 0 skipped"; exit 1; }
  cp package-lock.json node_modules/.installed-from
fi

files=("$@")
[ ${#files[@]} -gt 0 ] || files=(support/self_check.test.mjs ./*.test.mjs)
report=$(mktemp)
trap 'rm -f "$report"' EXIT
node --test --test-concurrency=1 --test-reporter=spec --test-reporter-destination=stdout \
  --test-reporter=tap --test-reporter-destination="$report" "${files[@]}"
status=$?
number() { sed -nE "s/^# $1 ([0-9]+)$/\1/p" "$report" | tail -n 1; }
passed=$(number pass) failed=$(number fail) cancelled=$(number cancelled) skipped=$(number skipped)
failed=$((${failed:-0} + ${cancelled:-0}))
[ "$status" -eq 0 ] || [ "$failed" -gt 0 ] || failed=1
[ "$failed" -eq 0 ] || [ "$status" -ne 0 ] || status=1
echo "# pass ${passed:-0}"
echo "# fail $failed"
echo "e2e: ${passed:-0} passed, $failed failed, ${skipped:-0} skipped"
exit "$status"
