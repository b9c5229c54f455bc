#!/usr/bin/python3 -I
"""HTML reports in a browser. usage: rep_browser.py FILE... | --large FILE [MILLISECONDS]

Each page, light and dark, wide and narrow: nothing on the console, nothing fetched, the filter works, the page is not wider than its window, what is
opened is there, the keys do what they say; and without scripts everything can be read. --large: the page of ten thousand findings opens, and every
filter answers within so many milliseconds of processor time (200), at the best of three times."""
import os, sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from browser import Browser  # noqa: E402

mistakes = []


def need(condition, sentence):
    if not condition:
        mistakes.append(sentence)


def look(browser, path):
    name = os.path.basename(path)
    for how in ({}, {"dark": True}, {"width": 480}, {"width": 480, "dark": True}):
        page = browser.open(path, **how)
        need(page.ask("document.documentElement.scrollWidth <= innerWidth"), f"{name} {how}: wider than the window")
        colours = page.ask("[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color].join()")
        need(colours.startswith("rgb(255") != ("dark" in how), f"{name} {how}: {colours}")
        silent(page, f"{name} {how}")
        page.close()
    keys(browser, path, name)
    page = browser.open(path, scripts=False)
    need(page.ask("Array.from(document.querySelectorAll('details.finding .body .advice')).length") == page.ask("document.querySelectorAll('details.finding').length"),
         f"{name} without scripts: not every finding can be read")
    silent(page, name + " without scripts")
    page.close()


def silent(page, where):
    need(not page.said, f"{where}: on the console: {page.said}")
    need(not page.fetched, f"{where}: fetched: {page.fetched}")


def keys(browser, path, name):
    page = browser.open(path)
    n = page.ask("document.querySelectorAll('details.finding').length")
    if not n:
        return
    need(page.ask("document.getElementById('shown').textContent") == f"{n} shown", f"{name}: the script did not run")
    page.key("j")
    need(page.ask("document.activeElement.closest('details')?.id") == "f1", f"{name}: j does not go to the first finding")
    page.key("j")
    need(page.ask("document.activeElement.closest('details')?.id") == f"f{min(n, 2)}", f"{name}: j does not go on")
    page.key("k")
    need(page.ask("document.activeElement.closest('details')?.id") == "f1", f"{name}: k does not go back")
    page.key("/")
    need(page.ask("document.activeElement.name") == "words", f"{name}: / does not go to the search")
    kind = page.ask("document.querySelector('details.finding').dataset.kind")
    of_kind = page.ask(f"document.querySelectorAll('details.finding[data-kind={kind}]').length")
    seen = page.ask(f"""(async () => {{ const form = document.getElementById('filter'); form.elements.kind.value = '{kind}';
        form.dispatchEvent(new Event('input')); await new Promise((done) => setTimeout(done, 200));
        return Array.from(document.querySelectorAll('details.finding')).filter((f) => f.checkVisibility()).length; }})()""")
    page.ask("""(async () => { document.getElementById('open-all').click();
        while (document.querySelector('details.finding:not([hidden]):not([open])')) await new Promise((done) => setTimeout(done, 20)); })()""")
    need(page.ask("document.querySelectorAll('details.finding:not([hidden]) > .body').length") == of_kind, f"{name}: not all that was opened is there")
    need(page.ask("document.querySelectorAll('script').length") == 1 and page.ask("document.querySelectorAll('i, title ~ title, noscript > *').length") == 0,
         f"{name}: a name has become an element")
    need(seen == of_kind, f"{name}: the filter shows {seen} and not {of_kind}")
    drawing = page.ask("document.querySelectorAll('figure.zoom .tools').length") == page.ask("document.querySelectorAll('figure.zoom').length")
    need(drawing, f"{name}: a drawing without tools")
    if page.ask("document.querySelector('figure.zoom svg') !== null"):
        grown = page.ask("""(() => { const area = document.querySelector('figure.zoom .draw'), before = area.firstElementChild.getBoundingClientRect().width;
            area.previousElementSibling.firstElementChild.click(); const larger = area.firstElementChild.getBoundingClientRect().width;
            area.dispatchEvent(new KeyboardEvent('keydown', { key: '0' }));
            return larger > before && area.firstElementChild.getBoundingClientRect().width <= area.clientWidth; })()""")
        need(grown, f"{name}: the drawing does not zoom")
    silent(page, name)
    page.close()


def thread_time(page):
    """Seconds of processor time that the page's main thread has used: other work on the machine does not count."""
    return next(m["value"] for m in page.call("Performance.getMetrics")["metrics"] if m["name"] == "ThreadTime")


def large(browser, path, most):
    page = browser.open(path)
    n = page.ask("document.querySelectorAll('details.finding').length")
    need(n >= 9900, f"{n} findings")
    opened = thread_time(page)
    page.ask("new Promise((done) => setTimeout(done, 2000))")
    best, clock = {}, {}
    for _ in range(3):
        for name, value in (("kind", "destroy-locked"), ("kind", ""), ("lock", "e"), ("thread", "worker"), ("words", "gave back"), ("words", "")):
            before = thread_time(page)
            wall = page.ask(f"""(async () => {{ const form = document.getElementById("filter"), from = performance.now();
                form.elements["{name}"].value = "{value}";
                form.dispatchEvent(new Event("input"));
                await new Promise((done) => setTimeout(done, 61)); // as long as it waits for the next key
                await new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)));
                return performance.now() - from - 61; }})()""")
            step = f"{name}={value}"
            best[step] = min(best.get(step, 1e9), round(1000 * (thread_time(page) - before)))
            clock[step] = min(clock.get(step, 1e9), round(wall))
    print(f"{n} findings open in {page.seconds:.1f} s ({opened:.1f} s of processor time); processor time of a filter in ms: {best}; by the clock: {clock}")
    need(opened < 4, f"opened with {opened:.1f} s of processor time")
    need(max(best.values()) < most, f"a filter takes {max(best.values())} ms")
    last = page.ask("(() => { const all = document.querySelectorAll('details.finding'); all[all.length - 1].open = true; return all[all.length - 1].id; })()")
    page.ask("new Promise((done) => setTimeout(done, 200))")
    need(page.ask(f"document.querySelector('#{last} .advice') !== null"), "the last finding opens empty")
    silent(page, "large")
    page.close()
    page = browser.open(path, scripts=False)
    need(page.ask("document.querySelectorAll('.body .advice').length") == n, "without scripts not every finding can be read")
    print(f"without scripts open in {page.seconds:.1f} s")


def main():
    with Browser(240) as browser:
        if sys.argv[1] == "--large":
            large(browser, sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 200)
        else:
            for path in sys.argv[1:]:
                look(browser, path)
    for mistake in mistakes:
        print(mistake, file=sys.stderr)
    return 1 if mistakes else 0


sys.exit(main())
