#!/usr/bin/python3 -I
"""The progress bar: on a terminal, for what takes longer than a second, and nothing of it is left.

usage: rep_progress.py TWATCH RECORDS    RECORDS: a directory with nothing but records
"""
import contextlib, fcntl, os, pty, re, select, signal, struct, subprocess, sys, tempfile, termios, threading, time

twatch, records = sys.argv[1:3]
failed = 0
BAR = re.compile(rb"twatch: joining records \[[#.]+\] [0-9]+ of [0-9]+")


def need(condition, sentence):
    global failed
    if not condition:
        failed += 1
        print("FAIL rep_progress: " + sentence)


def pause(child):
    """Stops a command that is at work for more than the second after which a bar is drawn: so it need not have a second's work."""
    with contextlib.suppress(OSError, IndexError):
        while child.poll() is None:
            with open(f"/proc/{child.pid}/stat", encoding="utf-8") as stream:
                times = stream.read().rsplit(")", 1)[1].split()
            if int(times[11]) + int(times[12]) >= 3:  # hundredths of a second of processor time
                child.send_signal(signal.SIGSTOP)
                time.sleep(1.3)
                child.send_signal(signal.SIGCONT)
                return
            time.sleep(0.002)


def run(command, columns=100, term="xterm", paused=True):
    """What the command writes to its standard error, a terminal, and its status."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=slave, env={"PATH": "/usr/bin:/bin", "TERM": term}) as child:
        os.close(slave)
        if paused:
            threading.Thread(target=pause, args=(child,), daemon=True).start()
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
        status = child.wait(timeout=60)
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
    # A record may be named again.
    os.chdir(records)
    some = sorted(os.listdir("."))
    merge = [twatch, "merge", "--output=" + os.path.join(work, "out.twatch")]
    slow = merge + (some * (8000 // len(some) + 1))[:8000]
    for columns in (100, 44):
        said, status = run(slow, columns)
        need(re.search(rb"twatch: joining records", said), "%d columns: no bar after a second: %r" % (columns, said))
        left = screen(said, columns)
        need(status == 0 and not any(left), "%d columns: something stayed on the terminal: %r" % (columns, left))
        need(columns < 100 or BAR.search(said), "no bar in %r" % said)
    need(run(slow, 100, "dumb")[0] == b"", "a bar on a terminal that cannot move")
    need(run(merge + some[:20], paused=False)[0] == b"", "something is written though it took no second")
    # An error in the middle stands on a line of its own.
    bad = os.path.join(work, "bad.twatch")
    with open(bad, "wb") as out:
        out.write(b"no record")
    said, status = run(slow + [bad], 100)
    left = [line for line in screen(said, 100) if line]
    need(status == 125 and len(left) == 1 and left[0].startswith("twatch: " + bad), "the error: %r" % left)
    # No terminal: no bar.
    with subprocess.Popen(slow, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as child:
        pause(child)
        need(child.stderr.read() == b"", "a bar where there is no terminal")
sys.exit(failed != 0)
