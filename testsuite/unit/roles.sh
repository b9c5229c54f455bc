#!/bin/bash
# What is said of the queues, pools and joins of real programs. usage: BUILD=... roles.sh
exec /usr/bin/python3 -I "$(dirname "$0")/roles.py" "${BUILD:-build}"
