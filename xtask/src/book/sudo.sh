#!/bin/sh
# For pages that run a command as another user: `sudo -u USER COMMAND`. They are run by root, who may lack sudo.
[ "$1" = -u ] || { echo "a page may only call sudo -u USER COMMAND" >&2; exit 1; }
user=$2
shift 2
exec setpriv --reuid "$user" --regid "$user" --init-groups -- "$@"
