/* Made by scripts/embed-html from html.css and html.js; change those. */
#ifndef TWATCH_HTML_ASSETS_H
#define TWATCH_HTML_ASSETS_H

/* clang-format off */
#define HTML_CSS_HASH "sha256-BktvU8bNddr24aC4C6SO/lUQ9TMVcwE+dcz7PESZlXA="
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
        "form.filter { display: flex; flex-wrap: wrap; gap: .75rem; align-items: end; background: var(--bg); border-bottom: 1px solid var(--line); padding: .6rem 0; }\n" \
        "@media (min-width: 60rem) { form.filter { position: sticky; top: 0; z-index: 1; } }\n" \
        "form.filter[hidden] { display: none; } form.filter label { display: grid; font-size: .8rem; color: var(--dim); } form.filter input, form.filter select, form.filter button { font: inherit; font-size: .85rem; padding: .25rem .5rem; max-width: 14rem; }\n" \
        "details.finding { border: 1px solid var(--line); border-left-width: 5px; border-radius: .4rem; margin: .75rem 0; background: var(--bg); }\n" \
        ".batch:not(:only-child) { content-visibility: auto; contain-intrinsic-size: auto 500rem; }\n" \
        ".batch:not(:only-child) > details[open] { content-visibility: auto; contain-intrinsic-size: auto 40rem; }\n" \
        "details.finding.is-error { border-left-color: var(--error); } details.finding.is-warning { border-left-color: var(--warning); } details.finding.is-note { border-left-color: var(--note); }\n" \
        "details.finding > summary { padding: .6rem .9rem; cursor: pointer; } details.finding > summary .message { font-weight: 600; overflow-wrap: anywhere; }\n" \
        "details.finding > .body { padding: 0 .9rem .9rem; } .tags { color: var(--dim); font-size: .85rem; }\n" \
        ".threads { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(28rem, 100%), 1fr)); gap: 1rem; } .thread { border: 1px solid var(--line); border-radius: .4rem; padding: .2rem .9rem .8rem; background: var(--card); min-width: 0; }\n" \
        ".thread h3 { overflow-wrap: anywhere; } ol.stack { list-style: none; margin: .2rem 0 .2rem .5rem; padding: 0; } ol.stack li { overflow-wrap: anywhere; } ol.stack .own { color: var(--own); font-weight: 600; } ol.stack .lib, .dim { color: var(--dim); }\n" \
        "ol.stack details { color: var(--dim); } pre.source { font-weight: 400; tab-size: 4; margin: .2rem 0 .4rem; padding: .3rem 0; overflow-x: auto; background: var(--bg); border: 1px solid var(--line); border-radius: .3rem; } pre.source span { display: block; padding: 0 .6rem; white-space: pre; } pre.source .here { background: var(--mark); }\n" \
        ".advice { border-left: 3px solid var(--note); padding: .2rem .8rem; margin: .8rem 0; }\n" \
        "table { border-collapse: collapse; width: 100%; margin: .6rem 0; } th, td { text-align: left; padding: .25rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: break-word; } td.n, th.n { text-align: right; white-space: nowrap; } th { white-space: nowrap; } td:first-child { min-width: 8rem; } .scroll { overflow-x: auto; }\n" \
        "svg { max-width: 100%; height: auto; } figure { margin: .6rem 0; } figure .draw { overflow: auto; max-height: 75vh; } figure .draw svg { max-width: none; } figure.lives .draw svg { max-width: 100%; min-width: 56rem; } .tools { display: flex; gap: .3rem; margin: .2rem 0; } .tools button { font: inherit; font-size: .8rem; min-width: 2rem; padding: .1rem .5rem; } svg text { fill: var(--fg); font: 12px system-ui, sans-serif; } svg .box { fill: var(--card); stroke: var(--dim); } svg .edge { fill: none; stroke: var(--error); stroke-width: 1.6; } svg .head { fill: var(--error); } svg .life { fill: var(--life); } svg .hold, .key-hold { fill: var(--bar); } svg .hold { fill-opacity: .6; } svg .wait, .key-wait { fill: var(--wait); } .key { width: .8rem; height: .8rem; vertical-align: -.1rem; } svg .rule { stroke: var(--line); } svg .label { fill: var(--dim); } svg .halo { paint-order: stroke; stroke: var(--bg); stroke-width: 4px; }\n" \
        "summary > h2 { display: inline; } details.run { margin: 1rem 0; } details.run > summary { cursor: pointer; }\n" \
        "@media print { form.filter { display: none; } details.finding { break-inside: avoid; } }\n"

#define HTML_JS_HASH "sha256-fo0AwFTB2XtiQDItpSIBh57DfjfX+Pc92CzS4BjYBcA="
#define HTML_JS \
        "\"use strict\";\n" \
        "(() => {\n" \
        "  const form = document.getElementById(\"filter\");\n" \
        "  const shown = document.getElementById(\"shown\");\n" \
        "\n" \
        "  // Drawings: + and - or ctrl and the wheel zoom, 0 shows the whole, the mouse and the arrow keys move.\n" \
        "  const zoom = (area, by) => {\n" \
        "    const svg = area.firstElementChild, { width, height } = svg.viewBox.baseVal, now = svg.getBoundingClientRect();\n" \
        "    const fit = Math.min(1, area.clientWidth / width, 0.75 * innerHeight / height);\n" \
        "    const part = by ? Math.min(8, Math.max(0.05, now.width / width * by)) : fit, grow = part * width / now.width;\n" \
        "    const x = (area.scrollLeft + area.clientWidth / 2) * grow, y = (area.scrollTop + area.clientHeight / 2) * grow;\n" \
        "    svg.style.maxWidth = \"none\";\n" \
        "    svg.style.minWidth = \"0\";\n" \
        "    svg.style.width = `${part * width}px`;\n" \
        "    area.scrollTo(x - area.clientWidth / 2, y - area.clientHeight / 2);\n" \
        "  };\n" \
        "  const keys = { \"+\": 1.4, \"=\": 1.4, \"-\": 1 / 1.4, \"0\": 0 };\n" \
        "  const tools = (within) => {\n" \
        "    for (const area of within.querySelectorAll(\"figure.zoom > .draw\")) {\n" \
        "      const bar = document.createElement(\"div\");\n" \
        "      bar.className = \"tools\";\n" \
        "      for (const [key, text, name] of [[\"+\", \"+\", \"Zoom in\"], [\"-\", \"\\u2212\", \"Zoom out\"], [\"0\", \"Whole\", \"Show the whole drawing\"]]) {\n" \
        "        const button = document.createElement(\"button\");\n" \
        "        button.type = \"button\";\n" \
        "        button.textContent = text;\n" \
        "        button.setAttribute(\"aria-label\", name);\n" \
        "        button.addEventListener(\"click\", () => zoom(area, keys[key]));\n" \
        "        bar.append(button);\n" \
        "      }\n" \
        "      area.before(bar);\n" \
        "      area.tabIndex = 0;\n" \
        "      area.addEventListener(\"keydown\", (e) => {\n" \
        "        if (e.ctrlKey || e.altKey || e.metaKey || !(e.key in keys)) return;\n" \
        "        zoom(area, keys[e.key]);\n" \
        "        e.preventDefault();\n" \
        "      });\n" \
        "      area.addEventListener(\"wheel\", (e) => {\n" \
        "        if (!e.ctrlKey) return;\n" \
        "        zoom(area, e.deltaY < 0 ? 1.2 : 1 / 1.2);\n" \
        "        e.preventDefault();\n" \
        "      }, { passive: false });\n" \
        "      area.addEventListener(\"pointermove\", (e) => {\n" \
        "        if (e.pointerType === \"mouse\" && e.buttons & 1) area.scrollBy(-e.movementX, -e.movementY);\n" \
        "      });\n" \
        "    }\n" \
        "  };\n" \
        "  tools(document);\n" \
        "  if (!form) return;\n" \
        "  form.hidden = false;\n" \
        "\n" \
        "  // Findings: a batch out of sight is neither styled nor laid out, so only its size need be guessed.\n" \
        "  const batches = Array.from(document.querySelectorAll(\".batch\"), (element) => ({ element, n: element.children.length }));\n" \
        "  const all = batches.flatMap((batch) => Array.from(batch.element.children, (element) => ({ element, batch, ok: true })));\n" \
        "  const lower = (text) => (text || \"\").toLowerCase();\n" \
        "  let indexed = 0;\n" \
        "  const index = (until) => { // what is searched: read while nothing else is to be done, the rest when it is asked for\n" \
        "    for (; indexed < all.length && !(indexed % 64 === 0 && performance.now() > until); indexed++) {\n" \
        "      const f = all[indexed], d = f.element.dataset;\n" \
        "      f.kind = d.kind;\n" \
        "      f.severity = d.severity;\n" \
        "      f.threads = lower(d.threads);\n" \
        "      f.locks = lower(d.locks);\n" \
        "      f.words = lower(f.element.firstElementChild.textContent);\n" \
        "    }\n" \
        "    if (indexed < all.length) setTimeout(() => index(performance.now() + 12), 0);\n" \
        "  };\n" \
        "  const size = (batch) => {\n" \
        "    batch.element.hidden = !batch.n;\n" \
        "    batch.element.style.containIntrinsicBlockSize = `${batch.n * 5}rem`;\n" \
        "  };\n" \
        "  const value = (name) => lower(form.elements[name].value.trim());\n" \
        "  const apply = () => {\n" \
        "    const kind = value(\"kind\"), severity = value(\"severity\"), thread = value(\"thread\"), lock = value(\"lock\"), words = value(\"words\");\n" \
        "    const changed = new Set();\n" \
        "    let n = 0;\n" \
        "    if (kind || severity || thread || lock || words) index(Infinity);\n" \
        "    for (const f of all) {\n" \
        "      const ok = (!kind || f.kind === kind) && (!severity || f.severity === severity) && (!thread || f.threads.includes(thread)) &&\n" \
        "        (!lock || f.locks.includes(lock)) && (!words || f.words.includes(words));\n" \
        "      if (ok) n++;\n" \
        "      if (ok === f.ok) continue;\n" \
        "      f.ok = ok;\n" \
        "      f.element.hidden = !ok;\n" \
        "      f.batch.n += ok ? 1 : -1;\n" \
        "      changed.add(f.batch);\n" \
        "    }\n" \
        "    changed.forEach(size);\n" \
        "    shown.textContent = n === all.length ? `${n} shown` : `${n} of ${all.length} shown`;\n" \
        "  };\n" \
        "  let timer = 0;\n" \
        "  form.addEventListener(\"input\", () => { clearTimeout(timer); timer = setTimeout(apply, 60); });\n" \
        "  form.addEventListener(\"submit\", (e) => e.preventDefault());\n" \
        "  form.addEventListener(\"reset\", () => setTimeout(apply, 0));\n" \
        "\n" \
        "  // The inside of a finding is text until it is opened.\n" \
        "  const build = (element) => {\n" \
        "    const text = element.querySelector(\":scope > noscript\");\n" \
        "    if (!text) return;\n" \
        "    const inside = document.createElement(\"template\");\n" \
        "    inside.innerHTML = text.textContent;\n" \
        "    tools(inside.content);\n" \
        "    text.replaceWith(inside.content);\n" \
        "  };\n" \
        "  document.addEventListener(\"toggle\", (e) => { if (e.target.open && e.target.matches(\"details.finding\")) build(e.target); }, true);\n" \
        "  let opening = 0;\n" \
        "  const setOpen = (open) => { // in slices, so that the page goes on answering\n" \
        "    const todo = all.filter((f) => f.ok), mine = ++opening;\n" \
        "    const slice = () => {\n" \
        "      const until = performance.now() + 12;\n" \
        "      while (todo.length && performance.now() < until) {\n" \
        "        const { element } = todo.shift();\n" \
        "        if (open) build(element);\n" \
        "        element.open = open;\n" \
        "      }\n" \
        "      if (todo.length && mine === opening) setTimeout(slice, 0);\n" \
        "    };\n" \
        "    slice();\n" \
        "  };\n" \
        "  document.getElementById(\"open-all\").addEventListener(\"click\", () => setOpen(true));\n" \
        "  document.getElementById(\"close-all\").addEventListener(\"click\", () => setOpen(false));\n" \
        "  const goTo = (element) => {\n" \
        "    element.firstElementChild.focus();\n" \
        "    element.scrollIntoView({ block: \"start\" });\n" \
        "  };\n" \
        "  const step = (by) => {\n" \
        "    const visible = all.filter((f) => f.ok);\n" \
        "    if (!visible.length) return;\n" \
        "    const at = visible.findIndex((f) => f.element.contains(document.activeElement));\n" \
        "    goTo(visible[Math.min(visible.length - 1, Math.max(0, at < 0 ? 0 : at + by))].element);\n" \
        "  };\n" \
        "  document.addEventListener(\"keydown\", (e) => {\n" \
        "    if (e.ctrlKey || e.altKey || e.metaKey || /^(INPUT|SELECT|TEXTAREA)$/.test(e.target.tagName)) return;\n" \
        "    if (e.key === \"j\") step(1);\n" \
        "    else if (e.key === \"k\") step(-1);\n" \
        "    else if (e.key === \"/\") { form.elements.words.focus(); e.preventDefault(); }\n" \
        "  });\n" \
        "  const named = () => { // report.html#f17\n" \
        "    const element = /^#f\\d+$/.test(location.hash) && document.getElementById(location.hash.slice(1));\n" \
        "    if (!element) return;\n" \
        "    build(element);\n" \
        "    element.open = true;\n" \
        "    goTo(element);\n" \
        "  };\n" \
        "  addEventListener(\"hashchange\", named);\n" \
        "  apply();\n" \
        "  index(0);\n" \
        "  named();\n" \
        "})();\n"

/* clang-format on */
#endif
