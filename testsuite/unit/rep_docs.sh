#!/bin/bash
# The manual pages format without a complaint, and the shell completion completes.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
bad=0
for page in "$root"/docs/man/*.[0-9]; do
    if command -v man >/dev/null; then
        said=$(LC_ALL=C.UTF-8 MANROFFSEQ='' MANWIDTH=80 timeout 30 man --warnings -E UTF-8 -l -Tutf8 -Z "$page" 2>&1 >/dev/null)
        if [ -n "$said" ]; then echo "$page: $said"; bad=1; fi
    fi
done
# shellcheck source=/dev/null
. "$root/scripts/completion/twatch.bash"
PATH=${BUILD:-$root/build}:$PATH
complete_words() { # the words typed so far, the last one unfinished
    COMP_WORDS=("$@")
    COMP_CWORD=$(($# - 1))
    COMPREPLY=()
    _twatch 2>/dev/null
    echo " ${COMPREPLY[*]} "
}
expect() {
    local want=$1
    shift
    case $(complete_words "$@") in
    *" $want "*) ;;
    *) echo "completion of '$*' does not offer $want: $(complete_words "$@")"; bad=1 ;;
    esac
}
expect report twatch re
expect --format= twatch report --fo
expect sarif twatch report --format = sa
expect off twatch run --races = o
expect --timeout= twatch run --ti
expect cat twatch run -- ca
expect lock-order-cycle twatch checks lock
case $(complete_words twatch checks thr) in
*threads*) echo "completion of 'twatch checks thr' offers words that are no kinds"; bad=1 ;;
esac
exit $bad
