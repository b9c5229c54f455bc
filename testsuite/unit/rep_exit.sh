#!/bin/sh
# Exit status of run and report over every combination of what counts, and every option with values that it cannot have. Needs a build (BUILD).
exec timeout 900 /usr/bin/python3 -I "$(dirname "$0")/rep_exit.py" "$(realpath "${BUILD:-$(dirname "$0")/../../build}")/twatch"
