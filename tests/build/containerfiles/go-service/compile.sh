#!/bin/sh
mkdir -p "$(dirname "$2")"
{ cat main.go; echo "// $3 cgo=$CGO_ENABLED"; } > "$2"
chmod 0755 "$2"
