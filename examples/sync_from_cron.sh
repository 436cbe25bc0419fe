#!/bin/sh
# One sync by plain `docker run`, for cron:  sync_from_cron.sh FOLDER [IMAGE]
#
# FOLDER holds config.json and catalog.json. A sync that is complete becomes FOLDER/sync-TIME.jsonl, in
# one step; TIME is when it began, in UTC. Until then it is in FOLDER/unfinished, and whatever ended
# it, the next run goes on with it: up to the last state of each stream everything is kept, what came
# behind is read again. A sync that is older than a day, or than the settings, is begun anew.
#
# So states are kept until their sync is complete and no longer, as Airbyte's platform keeps them, and
# WORKER_JOB_ID tells the connector that they are of the same sync (docs/decisions/0005).
#
# Exit code: the connector's, 0 for a complete sync only; 75 if another run is still at it; 64 or 66
# if the folder or a file of it is missing; 125 to 127 if Docker cannot run the image.
set -eu
umask 077
export LC_ALL=C

# What awk has to know of the connector's lines: the stream of a record or a state.
# shellcheck disable=SC2016 # it is awk's $0
LINES='
  function stream_of(prefix) {
    if (substr($0, 1, length(prefix)) != prefix) return ""
    return substr($0, length(prefix) + 1, index(substr($0, length(prefix) + 1), "\"") - 1)
  }
  BEGIN {
    RECORD = "{\"type\":\"RECORD\",\"record\":{\"stream\":\""
    MESSAGE = "{\"type\":\"STATE\",\"state\":"
    STATE = MESSAGE "{\"type\":\"STREAM\",\"stream\":{\"stream_descriptor\":{\"name\":\""
  }
'

main() {
  [ $# -gt 0 ] || { echo "usage: $0 FOLDER [IMAGE]" >&2; exit 64; }
  folder=$(cd "$1" && pwd -P)
  for file in config.json catalog.json; do
    [ -r "$folder/$file" ] || { echo "There is no $folder/$file that can be read." >&2; exit 66; }
  done
  image=${2:-source-autopilot}
  unfinished=$folder/unfinished
  container=source-autopilot-$(printf %s "$folder" | cksum | cut -d ' ' -f 1)
  lock
  # A run that was killed may have left its container behind, and an attempt that was not sealed.
  docker rm --force "$container" >/dev/null 2>&1 || true
  begin
  for raw in "$unfinished"/*.raw; do [ ! -e "$raw" ] || seal "$raw"; done
  states >"$unfinished/state.json"
  raw=$unfinished/$(printf %04d "$(find "$unfinished" -name '*.jsonl' | wc -l)").raw
  attempt "$raw"
  if [ "$code" -eq 0 ]; then
    mv "$raw" "${raw%.raw}.jsonl"
    publish
  elif [ "$code" -ge 125 ] && [ "$code" -le 127 ]; then # docker's own, before there is a connector
    echo "Nothing was started: Docker cannot run the image $image (exit code $code)." >&2
    rm "$raw"
    [ -n "$(find "$unfinished" -name '*.jsonl')" ] || rm -rf "$unfinished"
  else
    echo "The sync of $folder is not complete (exit code $code); the next run goes on with it." >&2
    errors "$raw" >&2
    seal "$raw"
  fi
  exit "$code"
}

# A link is made in one step and names its process; one whose process is gone is replaced.
lock() {
  if ! ln -s $$ "$folder/lock" 2>/dev/null; then
    owner=$(readlink "$folder/lock" || true)
    if is_run "$owner"; then
      echo "The last sync of $folder (process $owner) is still running." >&2
      exit 75
    fi
    rm -f "$folder/lock"
    ln -s $$ "$folder/lock"
  fi
  trap 'rm -f "$folder/lock"' EXIT
}

is_run() {
  kill -0 "$1" 2>/dev/null || return 1
  case $(ps -p "$1" -o args= 2>/dev/null || cat "/proc/$1/cmdline" 2>/dev/null | tr '\0' ' ') in
    '' | *"${0##*/}"*) return 0 ;; # neither can tell: a process of that number has to do
    *) return 1 ;;
  esac
}

begin() {
  if is_stale; then rm -rf "$unfinished"; fi
  mkdir -p "$unfinished"
  [ -s "$unfinished/began" ] || date -u +%Y%m%dT%H%M%SZ >"$unfinished/began"
  began=$(cat "$unfinished/began")
}

is_stale() {
  [ -s "$unfinished/began" ] || return 0
  [ ! -e "$folder/sync-$(cat "$unfinished/began").jsonl" ] || return 0 # published, but not tidied up
  [ -n "$(find "$folder/config.json" "$folder/catalog.json" -newer "$unfinished/began")" ] ||
    [ -n "$(find "$unfinished/began" -mtime +0)" ]
}

# Keep of an attempt what a state vouches for. A line that was cut off has no end: wc does not count it.
seal() {
  awk -v lines="$(wc -l <"$1")" "$LINES"'
    FNR > lines + 0 { next }
    NR == FNR { if ((stream = stream_of(STATE)) != "") last[stream] = FNR; next }
    (stream = stream_of(RECORD)) == "" || FNR < last[stream]
  ' "$1" "$1" >"$unfinished/sealed"
  mv "$unfinished/sealed" "${1%.raw}.jsonl"
  rm "$1"
}

# The last state of each stream, as --state takes them.
states() {
  set -- "$unfinished"/*.jsonl
  [ -e "$1" ] || set -- /dev/null
  awk "$LINES"'
    (stream = stream_of(STATE)) != "" {
      last[stream] = substr($0, length(MESSAGE) + 1, length($0) - length(MESSAGE) - 1)
    }
    END {
      printf "["
      for (stream in last) { printf "%s%s", comma, last[stream]; comma = "," }
      print "]"
    }
  ' "$@"
}

# A signal to this run is passed on to the connector, which takes seconds to write its last states.
attempt() {
  client='' stopped=''
  trap 'stopped=yes; [ -z "$client" ] || kill -TERM "$client" 2>/dev/null || true' HUP INT TERM
  docker run --rm --name "$container" --user "$(id -u):$(id -g)" --log-driver none \
    --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges \
    --env "WORKER_JOB_ID=$began" -v "$folder:/sync:ro" "$image" \
    read --config /sync/config.json --catalog /sync/catalog.json --state /sync/unfinished/state.json \
    >"$1" &
  client=$!
  [ -z "$stopped" ] || kill -TERM "$client"
  code=0
  wait "$client" || code=$?
  while kill -0 "$client" 2>/dev/null; do
    code=0
    wait "$client" || code=$?
  done
}

errors() {
  sed -n '/^{"type":"TRACE","trace":{"type":"ERROR"/{s/.*"error":{"message":"//;s/","[a-z_]*":.*//;p;}' "$1" | sort -u
}

# The file has its name only when all of it is on the disk.
publish() {
  cat "$unfinished"/*.jsonl >"$unfinished/whole"
  sync
  mv "$unfinished/whole" "$folder/sync-$began.jsonl"
  rm -rf "$unfinished"
}

main "$@"
