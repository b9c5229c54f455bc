#!/usr/bin/python3 -I
"""The progress bar: on a terminal, for what takes longer than a second, and nothing of it is left.

usage: rep_progress.py TWATCH RECORDS    RECORDS: a directory with nothing but records
"""
import fcntl, os, pty, re, select, struct, subprocess, sys, tempfile, termios, time

twatch, records = sys.argv[1:3]
failed = 0
BAR = re.compile(rb"twatch: joining records \[[#.]+\] [0-9]+ of [0-9]+")


def need(condition, sentence):
    global failed
    if not condition:
        failed += 1
        print("FAIL rep_progress: " + sentence)


def run(command, columns=100, term="xterm"):
    """What the command writes to its standard error, a terminal, and its status."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=slave, env={"PATH": "/usr/bin:/bin", "TERM": term}) as child:
        os.close(slave)
        said, end = b"", time.monotonic() + 60
        while time.monotonic() < end:
            if select.select([master], [], [], 1)[0]:
                try:
                    piece = os.read(master, 65536)
                except OSError:
                    break
                if not piece:
                    break
                said += piece
        status = child.wait(timeout=10)
    os.close(master)
    return said, status


def screen(said, columns):
    """What stands on the terminal's lines after these bytes: carriage return, line feed and erase-to-end are all that is written."""
    lines, row, column = [[]], 0, 0
    text = said.decode("utf-8", "replace")
    i = 0
    while i < len(text):
        if text.startswith("\033[K", i):
            del lines[row][column:]
            i += 3
            continue
        c = text[i]
        i += 1
        if c == "\r":
            column = 0
        elif c == "\n":
            row += 1
            lines.append([])
        else:
            lines[row][column:column + 1] = [c]
            column += 1
    return ["".join(line).rstrip() for line in lines]


with tempfile.TemporaryDirectory() as work:
    # Reading a record takes a tenth of a millisecond, so that many are needed for a second; one may be named again.
    os.chdir(records)
    some = sorted(os.listdir("."))
    merge = [twatch, "merge", "--output=" + os.path.join(work, "out.twatch")]
    slow = merge + (some * (40000 // len(some) + 1))[:40000]
    for columns in (100, 44):
        said, status = run(slow, columns)
        need(re.search(rb"twatch: joining records", said), "%d columns: no bar after a second: %r" % (columns, said))
        left = screen(said, columns)
        need(status == 0 and not any(left), "%d columns: something stayed on the terminal: %r" % (columns, left))
        need(columns < 100 or BAR.search(said), "no bar in %r" % said)
    need(run(slow, 100, "dumb")[0] == b"", "a bar on a terminal that cannot move")
    need(run(merge + some[:20])[0] == b"", "something is written though it took no second")
    # An error in the middle stands on a line of its own.
    bad = os.path.join(work, "bad.twatch")
    with open(bad, "wb") as out:
        out.write(b"no record")
    said, status = run(slow + [bad], 100)
    left = [line for line in screen(said, 100) if line]
    need(status == 125 and len(left) == 1 and left[0].startswith("twatch: " + bad), "the error: %r" % left)
    # No terminal: no bar.
    plain = subprocess.run(slow, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    need(plain.stderr == b"", "a bar where there is no terminal: %r" % plain.stderr)
sys.exit(failed != 0)
