#!/bin/sh
# Runs a command while it holds a slot of a Signalbox profile, with nothing but curl and sed:
#
#   examples/slot.sh PROFILE COMMAND [ARGUMENT...]
#
# SIGNALBOX_URL, SIGNALBOX_API_KEY, SIGNALBOX_LEASE_S (30) and SIGNALBOX_DESCRIPTION are read; the command sees SIGNALBOX_SLOT.
# `signalbox slot` does the same and more: it ends the command when the slot is lost.
set -u
[ $# -ge 2 ] || { echo "usage: slot.sh PROFILE COMMAND [ARGUMENT...]" >&2; exit 2; }
url=${SIGNALBOX_URL:-http://127.0.0.1:8642}
lease=${SIGNALBOX_LEASE_S:-30}
profile=$1
shift

# Prints the answer; fails when the broker says no, with its words on stderr.
ask() { # METHOD PATH BODY
  printf 'header = "Authorization: Bearer %s"\n' "${SIGNALBOX_API_KEY:-none}" |
    curl -sS --fail-with-body -K - -X "$1" -H 'Content-Type: application/json' -d "$3" "$url/api/v1/slots$2"
}

# As the inside of a JSON string; what cannot stand there in one line becomes a space.
quoted() { printf %s "$1" | tr '[:cntrl:]' ' ' | sed 's/[\\"]/\\&/g'; }

# Waits here until the slot is there; Ctrl-C hangs up, which leaves the queue.
answer=$(ask POST "" "{\"profile\":\"$(quoted "$profile")\",\"lease_s\":$lease,\"description\":\"$(quoted "${SIGNALBOX_DESCRIPTION:-}")\"}") || { echo "slot.sh: no slot: $answer" >&2; exit 1; }
SIGNALBOX_SLOT=$(printf %s "$answer" | sed -nE 's/.*"id": *"([^"]+)".*/\1/p')
export SIGNALBOX_SLOT

# A third of the lease, in whole seconds, 1 at least (a lease under 3 s has little room).
every=$((${lease%.*} / 3))
[ "$every" -ge 1 ] || every=0.3
while sleep "$every"; do ask POST "/$SIGNALBOX_SLOT/renew" '{}' || break; done >/dev/null 2>&1 &
renewing=$!

"$@"
code=$?
kill "$renewing" 2>/dev/null
outcome='{"status":"ok"}'
[ "$code" -eq 0 ] || outcome="{\"status\":\"error\",\"error_kind\":\"command_failed\",\"error_detail\":\"exit code $code\"}"
ask DELETE "/$SIGNALBOX_SLOT" "$outcome" >/dev/null || echo "slot.sh: the slot was not given back" >&2
exit "$code"
