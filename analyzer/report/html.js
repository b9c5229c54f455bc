"use strict";
(() => {
  const form = document.getElementById("filter");
  const shown = document.getElementById("shown");

  // Drawings: + and - or ctrl and the wheel zoom, 0 shows the whole, the mouse and the arrow keys move.
  const zoom = (area, by) => {
    const svg = area.firstElementChild, { width, height } = svg.viewBox.baseVal, now = svg.getBoundingClientRect();
    const fit = Math.min(1, area.clientWidth / width, 0.75 * innerHeight / height);
    const part = by ? Math.min(8, Math.max(0.05, now.width / width * by)) : fit, grow = part * width / now.width;
    const x = (area.scrollLeft + area.clientWidth / 2) * grow, y = (area.scrollTop + area.clientHeight / 2) * grow;
    svg.style.maxWidth = "none";
    svg.style.minWidth = "0";
    svg.style.width = `${part * width}px`;
    area.scrollTo(x - area.clientWidth / 2, y - area.clientHeight / 2);
  };
  const keys = { "+": 1.4, "=": 1.4, "-": 1 / 1.4, "0": 0 };
  const tools = (within) => {
    for (const area of within.querySelectorAll("figure.zoom > .draw")) {
      const bar = document.createElement("div");
      bar.className = "tools";
      for (const [key, text, name] of [["+", "+", "Zoom in"], ["-", "\u2212", "Zoom out"], ["0", "Whole", "Show the whole drawing"]]) {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = text;
        button.setAttribute("aria-label", name);
        button.addEventListener("click", () => zoom(area, keys[key]));
        bar.append(button);
      }
      area.before(bar);
      area.tabIndex = 0;
      area.addEventListener("keydown", (e) => {
        if (e.ctrlKey || e.altKey || e.metaKey || !(e.key in keys)) return;
        zoom(area, keys[e.key]);
        e.preventDefault();
      });
      area.addEventListener("wheel", (e) => {
        if (!e.ctrlKey) return;
        zoom(area, e.deltaY < 0 ? 1.2 : 1 / 1.2);
        e.preventDefault();
      }, { passive: false });
      area.addEventListener("pointermove", (e) => {
        if (e.pointerType === "mouse" && e.buttons & 1) area.scrollBy(-e.movementX, -e.movementY);
      });
    }
  };
  tools(document);
  if (!form) return;
  form.hidden = false;

  // Findings: a batch out of sight is neither styled nor laid out, so only its size need be guessed.
  const batches = Array.from(document.querySelectorAll(".batch"), (element) => ({ element, n: element.children.length }));
  const all = batches.flatMap((batch) => Array.from(batch.element.children, (element) => ({ element, batch, ok: true })));
  const lower = (text) => (text || "").toLowerCase();
  let indexed = 0;
  const index = (until) => { // what is searched: read while nothing else is to be done, the rest when it is asked for
    for (; indexed < all.length && !(indexed % 64 === 0 && performance.now() > until); indexed++) {
      const f = all[indexed], d = f.element.dataset;
      f.kind = d.kind;
      f.severity = d.severity;
      f.threads = lower(d.threads);
      f.locks = lower(d.locks);
      f.words = lower(f.element.firstElementChild.textContent);
    }
    if (indexed < all.length) setTimeout(() => index(performance.now() + 12), 0);
  };
  const size = (batch) => {
    batch.element.hidden = !batch.n;
    batch.element.style.containIntrinsicBlockSize = `${batch.n * 5}rem`;
  };
  const value = (name) => lower(form.elements[name].value.trim());
  const apply = () => {
    const kind = value("kind"), severity = value("severity"), thread = value("thread"), lock = value("lock"), words = value("words");
    const changed = new Set();
    let n = 0;
    if (kind || severity || thread || lock || words) index(Infinity);
    for (const f of all) {
      const ok = (!kind || f.kind === kind) && (!severity || f.severity === severity) && (!thread || f.threads.includes(thread)) &&
        (!lock || f.locks.includes(lock)) && (!words || f.words.includes(words));
      if (ok) n++;
      if (ok === f.ok) continue;
      f.ok = ok;
      f.element.hidden = !ok;
      f.batch.n += ok ? 1 : -1;
      changed.add(f.batch);
    }
    changed.forEach(size);
    shown.textContent = n === all.length ? `${n} shown` : `${n} of ${all.length} shown`;
  };
  let timer = 0;
  form.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(apply, 60); });
  form.addEventListener("submit", (e) => e.preventDefault());
  form.addEventListener("reset", () => setTimeout(apply, 0));

  // The inside of a finding is text until it is opened.
  const build = (element) => {
    const text = element.querySelector(":scope > noscript");
    if (!text) return;
    const inside = document.createElement("template");
    inside.innerHTML = text.textContent;
    tools(inside.content);
    text.replaceWith(inside.content);
  };
  document.addEventListener("toggle", (e) => { if (e.target.open && e.target.matches("details.finding")) build(e.target); }, true);
  let opening = 0;
  const setOpen = (open) => { // in slices, so that the page goes on answering
    const todo = all.filter((f) => f.ok), mine = ++opening;
    const slice = () => {
      const until = performance.now() + 12;
      while (todo.length && performance.now() < until) {
        const { element } = todo.shift();
        if (open) build(element);
        element.open = open;
      }
      if (todo.length && mine === opening) setTimeout(slice, 0);
    };
    slice();
  };
  document.getElementById("open-all").addEventListener("click", () => setOpen(true));
  document.getElementById("close-all").addEventListener("click", () => setOpen(false));
  const goTo = (element) => {
    element.firstElementChild.focus();
    element.scrollIntoView({ block: "start" });
  };
  const step = (by) => {
    const visible = all.filter((f) => f.ok);
    if (!visible.length) return;
    const at = visible.findIndex((f) => f.element.contains(document.activeElement));
    goTo(visible[Math.min(visible.length - 1, Math.max(0, at < 0 ? 0 : at + by))].element);
  };
  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.altKey || e.metaKey || /^(INPUT|SELECT|TEXTAREA)$/.test(e.target.tagName)) return;
    if (e.key === "j") step(1);
    else if (e.key === "k") step(-1);
    else if (e.key === "/") { form.elements.words.focus(); e.preventDefault(); }
  });
  const named = () => { // report.html#f17
    const element = /^#f\d+$/.test(location.hash) && document.getElementById(location.hash.slice(1));
    if (!element) return;
    build(element);
    element.open = true;
    goTo(element);
  };
  addEventListener("hashchange", named);
  apply();
  index(0);
  named();
})();
