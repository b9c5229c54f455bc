"use strict";
(() => {
  const form = document.getElementById("filter");
  const all = Array.from(document.querySelectorAll("details.finding"));
  const shown = document.getElementById("shown");
  if (!form) return;
  form.hidden = false;
  const value = (name) => form.elements[name].value.trim().toLowerCase();
  const has = (text, part) => !part || (text || "").toLowerCase().includes(part);
  const apply = () => {
    const kind = value("kind"), severity = value("severity"), thread = value("thread"), lock = value("lock"), words = value("words");
    let n = 0;
    for (const f of all) {
      const d = f.dataset;
      const ok = (!kind || d.kind === kind) && (!severity || d.severity === severity) && has(d.threads, thread) && has(d.locks, lock) &&
        has(d.message, words);
      f.hidden = !ok;
      if (ok) n++;
    }
    shown.textContent = n === all.length ? `${n} shown` : `${n} of ${all.length} shown`;
  };
  let timer = 0;
  form.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(apply, 60); });
  form.addEventListener("submit", (e) => e.preventDefault());
  form.addEventListener("reset", () => setTimeout(apply, 0));
  const setOpen = (open) => { for (const f of all) if (!f.hidden) f.open = open; };
  document.getElementById("open-all").addEventListener("click", () => setOpen(true));
  document.getElementById("close-all").addEventListener("click", () => setOpen(false));
  const step = (by) => {
    const visible = all.filter((f) => !f.hidden);
    if (!visible.length) return;
    const at = visible.findIndex((f) => f.contains(document.activeElement));
    const next = visible[Math.min(visible.length - 1, Math.max(0, at < 0 ? 0 : at + by))];
    next.firstElementChild.focus();
    next.scrollIntoView({ block: "start" });
  };
  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.altKey || e.metaKey || /^(INPUT|SELECT|TEXTAREA)$/.test(e.target.tagName)) return;
    if (e.key === "j") step(1);
    else if (e.key === "k") step(-1);
    else if (e.key === "/") { form.elements.words.focus(); e.preventDefault(); }
  });
  apply();
})();
