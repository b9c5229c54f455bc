# Killed at random moments: the record is readable and holds every dependency recorded before. 200 times with --long, else 20.
. "$HERE/lib.sh"
program killed
/usr/bin/python3 -I "$HERE/killed.py" "$BUILD" $([ "$LONG" = 1 ] && echo 200 || echo 20)
