/* Made by scripts/embed-html from html.css and html.js; change those. */
#ifndef TWATCH_HTML_ASSETS_H
#define TWATCH_HTML_ASSETS_H

/* clang-format off */
#define HTML_CSS_HASH "sha256-kdU1fb+eKK2CYxcHWp4odxX2Ys4VhgyUXtbEkz4Ezyk="
#define HTML_CSS \
        ":root { color-scheme: light dark; --bg: #fff; --fg: #1b1f24; --dim: #57606a; --line: #d0d7de; --card: #f6f8fa; --mark: #fff1c2; --error: #b42318; --warning: #8a5a00; --note: #0b5cad; --own: #1b1f24; --bar: #2f78bf; --life: #d5dde6; --wait: #c4320a; --focus: #0b5cad; }\n" \
        "@media (prefers-color-scheme: dark) { :root { --bg: #0f1419; --fg: #dfe5ea; --dim: #9aa5b1; --line: #323a44; --card: #171d24; --mark: #4a3d10; --error: #ff8f85; --warning: #f0b849; --note: #7cb8ff; --own: #fff; --bar: #5ba3ea; --life: #2f3945; --wait: #ff7a5c; --focus: #7cb8ff; } }\n" \
        "* { box-sizing: border-box; }\n" \
        "body { margin: 0 auto; max-width: 1400px; padding: 1rem 1.5rem 4rem; background: var(--bg); color: var(--fg); font: 15px/1.5 system-ui, sans-serif; }\n" \
        "h1 { font-size: 1.5rem; margin: .5rem 0; } h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; } h3 { font-size: 1rem; margin: 1rem 0 .25rem; } h4 { font-size: .95rem; margin: .75rem 0 .25rem; font-weight: 600; }\n" \
        "code, pre, .mono { font-family: ui-monospace, \"DejaVu Sans Mono\", monospace; font-size: .87em; }\n" \
        "a { color: var(--note); } .skip { position: absolute; left: -100rem; } .skip:focus { position: static; }\n" \
        ":focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; }\n" \
        ".counts { display: flex; flex-wrap: wrap; gap: .75rem; padding: 0; list-style: none; } .counts li { border: 1px solid var(--line); border-radius: .5rem; padding: .4rem .9rem; background: var(--card); } .counts b { font-size: 1.3rem; margin-right: .35rem; }\n" \
        ".error { color: var(--error); } .warning { color: var(--warning); } .note { color: var(--note); }\n" \
        "form.filter { position: sticky; top: 0; z-index: 1; display: flex; flex-wrap: wrap; gap: .75rem; align-items: end; background: var(--bg); border-bottom: 1px solid var(--line); padding: .6rem 0; }\n" \
        "form.filter[hidden] { display: none; } form.filter label { display: grid; font-size: .8rem; color: var(--dim); } form.filter input, form.filter select, form.filter button { font: inherit; padding: .25rem .5rem; max-width: 14rem; }\n" \
        "details.finding { border: 1px solid var(--line); border-left-width: 5px; border-radius: .4rem; margin: .75rem 0; background: var(--bg); content-visibility: auto; contain-intrinsic-size: auto 4rem; }\n" \
        "details.finding.is-error { border-left-color: var(--error); } details.finding.is-warning { border-left-color: var(--warning); } details.finding.is-note { border-left-color: var(--note); }\n" \
        "details.finding > summary { padding: .6rem .9rem; cursor: pointer; } details.finding > summary .message { font-weight: 600; overflow-wrap: anywhere; }\n" \
        "details.finding > .body { padding: 0 .9rem .9rem; } .tags { color: var(--dim); font-size: .85rem; }\n" \
        ".threads { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(28rem, 100%), 1fr)); gap: 1rem; } .thread { border: 1px solid var(--line); border-radius: .4rem; padding: .2rem .9rem .8rem; background: var(--card); min-width: 0; }\n" \
        ".thread h3 { overflow-wrap: anywhere; } ol.stack { list-style: none; margin: .2rem 0 .2rem .5rem; padding: 0; } ol.stack li { overflow-wrap: anywhere; } ol.stack .own { color: var(--own); font-weight: 600; } ol.stack .lib, .dim { color: var(--dim); }\n" \
        "ol.stack details { color: var(--dim); } pre.source { font-weight: 400; tab-size: 4; margin: .2rem 0 .4rem; padding: .3rem 0; overflow-x: auto; background: var(--bg); border: 1px solid var(--line); border-radius: .3rem; } pre.source span { display: block; padding: 0 .6rem; white-space: pre; } pre.source .here { background: var(--mark); }\n" \
        ".advice { border-left: 3px solid var(--note); padding: .2rem .8rem; margin: .8rem 0; }\n" \
        "table { border-collapse: collapse; width: 100%; margin: .6rem 0; } th, td { text-align: left; padding: .25rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; } td.n, th.n { text-align: right; white-space: nowrap; } .scroll { overflow-x: auto; }\n" \
        "svg { max-width: 100%; height: auto; } svg text { fill: var(--fg); font: 12px system-ui, sans-serif; } svg .box { fill: var(--card); stroke: var(--dim); } svg .edge { fill: none; stroke: var(--error); stroke-width: 1.6; } svg .head { fill: var(--error); } svg .life { fill: var(--life); } svg .hold, .key-hold { fill: var(--bar); } svg .hold { fill-opacity: .6; } svg .wait, .key-wait { fill: var(--wait); } .key { width: .8rem; height: .8rem; vertical-align: -.1rem; } svg .rule { stroke: var(--line); } svg .label { fill: var(--dim); } svg .halo { paint-order: stroke; stroke: var(--bg); stroke-width: 4px; }\n" \
        "@media print { form.filter { display: none; } details.finding { break-inside: avoid; } }\n"

#define HTML_JS_HASH "sha256-arsAwhVV33sp2AispGHmIL0o1mu+l2xTR2mrvAD6Epg="
#define HTML_JS \
        "\"use strict\";\n" \
        "(() => {\n" \
        "  const form = document.getElementById(\"filter\");\n" \
        "  const all = Array.from(document.querySelectorAll(\"details.finding\"));\n" \
        "  const shown = document.getElementById(\"shown\");\n" \
        "  if (!form) return;\n" \
        "  form.hidden = false;\n" \
        "  const value = (name) => form.elements[name].value.trim().toLowerCase();\n" \
        "  const has = (text, part) => !part || (text || \"\").toLowerCase().includes(part);\n" \
        "  const apply = () => {\n" \
        "    const kind = value(\"kind\"), severity = value(\"severity\"), thread = value(\"thread\"), lock = value(\"lock\"), words = value(\"words\");\n" \
        "    let n = 0;\n" \
        "    for (const f of all) {\n" \
        "      const d = f.dataset;\n" \
        "      const ok = (!kind || d.kind === kind) && (!severity || d.severity === severity) && has(d.threads, thread) && has(d.locks, lock) &&\n" \
        "        has(d.message, words);\n" \
        "      f.hidden = !ok;\n" \
        "      if (ok) n++;\n" \
        "    }\n" \
        "    shown.textContent = n === all.length ? `${n} shown` : `${n} of ${all.length} shown`;\n" \
        "  };\n" \
        "  let timer = 0;\n" \
        "  form.addEventListener(\"input\", () => { clearTimeout(timer); timer = setTimeout(apply, 60); });\n" \
        "  form.addEventListener(\"submit\", (e) => e.preventDefault());\n" \
        "  form.addEventListener(\"reset\", () => setTimeout(apply, 0));\n" \
        "  const setOpen = (open) => { for (const f of all) if (!f.hidden) f.open = open; };\n" \
        "  document.getElementById(\"open-all\").addEventListener(\"click\", () => setOpen(true));\n" \
        "  document.getElementById(\"close-all\").addEventListener(\"click\", () => setOpen(false));\n" \
        "  const step = (by) => {\n" \
        "    const visible = all.filter((f) => !f.hidden);\n" \
        "    if (!visible.length) return;\n" \
        "    const at = visible.findIndex((f) => f.contains(document.activeElement));\n" \
        "    const next = visible[Math.min(visible.length - 1, Math.max(0, at < 0 ? 0 : at + by))];\n" \
        "    next.firstElementChild.focus();\n" \
        "    next.scrollIntoView({ block: \"start\" });\n" \
        "  };\n" \
        "  document.addEventListener(\"keydown\", (e) => {\n" \
        "    if (e.ctrlKey || e.altKey || e.metaKey || /^(INPUT|SELECT|TEXTAREA)$/.test(e.target.tagName)) return;\n" \
        "    if (e.key === \"j\") step(1);\n" \
        "    else if (e.key === \"k\") step(-1);\n" \
        "    else if (e.key === \"/\") { form.elements.words.focus(); e.preventDefault(); }\n" \
        "  });\n" \
        "  apply();\n" \
        "})();\n"

/* clang-format on */
#endif
