# Debian's python3: threads, multiprocessing (fork and spawn), subprocess.
. "$HERE/lib.sh"
cp "$HERE/python.py" program.py
under /usr/bin/python3 -I program.py
echo "status $?"
