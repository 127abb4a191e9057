// The scoreboard: choose a run of the records by form or by address, and compare its rows.
(() => {
  const board = document.getElementById("bn-board");
  if (!board) return;
  const settings = JSON.parse(board.dataset.settings);
  const form = board.querySelector("form");
  const said = board.querySelector(".bn-said");
  const figure = board.querySelector("figure");
  const told = board.querySelector(".bn-told");
  const KEYS = ["case", "machine", "dtype", "size", "with", "show"];
  const FIELDS = ["name", "library", "device", "verdict", "fresh", "compiled", "digits", "kind",
    "fraction", "rate", "unit", "median", "low", "high", "first", "place", "finish", "cores", "memory"];
  const runs = {};  // the runs of a case on a machine, once their script has come
  let chosen = {};
  let now = null;

  // -- numbers as people say them, as arraylab.units does ------------------------------

  const PREFIXES = [["T", 1e12], ["G", 1e9], ["M", 1e6], ["k", 1e3], ["", 1], ["m", 1e-3],
    ["µ", 1e-6], ["n", 1e-9], ["p", 1e-12]];

  function rounded(value, digits) {
    if (!value) return "0";
    const exponent = Number(value.toExponential(digits - 1).split("e")[1]);
    const decimals = digits - 1 - exponent;
    if (decimals >= 0) return value.toFixed(decimals);
    return String(Math.round(value / 10 ** -decimals) * 10 ** -decimals);
  }

  function scaled(value, unit, digits) {
    if (!value) return `0 ${unit}`;
    const magnitude = Math.abs(Number(value.toExponential(digits - 1)));
    const [prefix, factor] = PREFIXES.find(([, f]) => magnitude >= f && !(unit === "s" && f > 1))
      ?? PREFIXES.at(-1);
    return `${rounded(value / factor, digits)} ${prefix}${unit}`;
  }

  const seconds = (value, digits = 3) => scaled(value, "s", digits);
  const ratio = (value) => `${rounded(value, 2)}x`;
  const bytes = (value) => value < 1000 ? `${value.toFixed(0)} B` : scaled(value, "B", 3);
  const calls = (n) => n === Infinity ? "never" : `${n.toLocaleString("en-US")} call${n > 1 ? "s" : ""}`;
  const counted = (n, noun) => `${n} ${noun}${n === 1 ? "" : "s"}`;

  // -- what a run says, as arraylab.scoreboard does -------------------------------------

  const timed = (row) => row.fresh && row.median !== null && row.digits > 0;

  function speed(row, base) {
    return timed(row) && base && timed(base) ? base.median / row.median : null;
  }

  function breakEven(row, base) {
    if (!base || row === base || !timed(row) || !timed(base) || !(row.compiled && row.first)) return null;
    if (base.first === null || row.median >= base.median) return Infinity;
    const dearer = (row.first - row.median) - (base.first - base.median);
    return Math.max(1, Math.ceil(dearer / (base.median - row.median)));
  }

  function faster(one, other) {
    if (!one || !other || !timed(one) || !timed(other)) return null;
    if (one.high < other.low) return true;
    return other.high < one.low ? false : null;
  }

  // What a drawing can show of a row: a number, null where there is none.
  const VALUES = {
    time: (row) => row.digits ? row.median : null,
    speed: (row, base) => speed(row, base),
    share: (row) => timed(row) && row.kind ? 100 * row.fraction : null,
    rate: (row) => row.rate,
    first: (row) => row.digits && row.compiled ? row.first : null,
    calls: (row, base) => breakEven(row, base),
    memory: (row) => row.memory,
  };
  const WORDS = {
    time: (row) => seconds(row.median, row.digits),
    speed: (row, base) => ratio(speed(row, base)),
    share: (row) => `${rounded(100 * row.fraction, 2)} % ${row.kind === "flops" ? "flops" : "bytes"}`,
    rate: (row) => scaled(row.rate, `${row.unit}/s`, 3),
    first: (row) => seconds(row.first, 2),
    calls: (row, base) => calls(breakEven(row, base)),
    memory: (row) => bytes(row.memory),
  };
  const BIG_IS_GOOD = new Set(["speed", "share", "rate"]);
  const words = (row, base, show) => {
    const value = VALUES[show](row, base);
    return value === null || value === undefined || value === 0 && show !== "memory" ? "" : WORDS[show](row, base);
  };

  function columns(run, base) {
    const all = run.rows.map((row) => row.device);
    const plain = all.every((device) => device === "cpu");
    const found = [
      ["time", (row) => words(row, base, "time") || "—"],
      ["quartiles", (row) => row.digits ? `${seconds(row.low)} to ${seconds(row.high)}` : ""],
      ["verdict", (row) => row.verdict],
      ["device", (row) => plain ? "" : row.device],
      [`speed, ${base?.name} = 1`, (row) => words(row, base, "speed")],
      ["share of limit", (row) => words(row, base, "share")],
      ["rate", (row) => words(row, base, "rate")],
      ["first call", (row) => words(row, base, "first")],
      ["pays back after", (row) => words(row, base, "calls")],
      ["place", (row) => row.place ? seconds(row.place, 2) : ""],
      ["finish", (row) => row.finish ? seconds(row.finish, 2) : ""],
      ["cores", (row) => row.cores ? row.cores.toFixed(1) : ""],
      ["memory", (row) => words(row, base, "memory")],
    ].map(([head, cell]) => [head, new Map(run.rows.map((row) => [row, cell(row)]))]);
    return found.filter(([, cells]) => [...cells.values()].some(Boolean));
  }

  function sorted(run, base, show) {
    const sign = BIG_IS_GOOD.has(show) ? -1 : 1;
    const value = (row) => VALUES[show](row, base) ?? NaN;
    const rank = (row) => Number.isNaN(value(row)) ? 1 : 0;
    return [...run.rows].sort((p, q) =>
      rank(p) - rank(q) || (rank(p) ? 0 : sign * (value(p) - value(q)) || 0));
  }

  // Where an order turns round from size to size, on this machine and in this dtype.
  function crossings(run, name) {
    const sizes = new Map();
    for (const one of runs[file(chosen)]) {
      if (one.dtype !== run.dtype) continue;
      const before = sizes.get(one.size);
      if (!before || before.date < one.date) sizes.set(one.size, one);
    }
    const rising = [...sizes.values()].sort((p, q) => p.volume - q.volume);
    const names = new Set(rising.flatMap((one) => one.rows.map((row) => row.name)));
    names.delete(name);
    const found = [];
    for (const own of names) {
      let last = null;
      for (const one of rising) {
        const row = (wanted) => one.rows.find((r) => r.name === wanted);
        const order = faster(row(own), row(name));
        if (order === null) continue;
        if (last && last.order !== order) {
          const [fast, slow] = order ? [own, name] : [name, own];
          found.push(`${fast} overtakes ${slow}: slower at ${last.inputs}, faster at ${one.inputs}`);
        }
        last = { order, inputs: one.inputs };
      }
    }
    return { found, sizes: rising.length };
  }

  // -- choosing -------------------------------------------------------------------------

  const unique = (pairs) => [...new Map(pairs.map(([value, text]) => [value, text]))];
  const stamp = (run) => run.date.replace("T", " ");
  const nameOf = (run, twins) => `${run.inputs}${twins ? ` (run of ${stamp(run)})` : ""}`;
  const keyOf = (run, twins) => `${run.size}${twins ? `@${run.date}` : ""}`;

  // The choices for each key, given those before it; the last but two follow the run.
  function choices(part) {
    let left = runs[file(part)];
    const found = where(part);
    found.dtype = unique(left.map((run) => [run.dtype, run.dtype]));
    part.dtype = pick("dtype", part, found, found.dtype[0][0]);
    left = left.filter((run) => run.dtype === part.dtype);
    const twins = (run) => left.filter((one) => one.size === run.size).length > 1;
    found.size = left.map((run) => [keyOf(run, twins(run)), nameOf(run, twins(run))]);
    const most = Math.max(...left.map((run) => run.volume));
    const largest = left.find((run) => run.volume === most);
    part.size = pick("size", part, found, keyOf(largest, twins(largest)));
    const run = left.find((one) => keyOf(one, twins(one)) === part.size);
    found.with = run.rows.map((row) => [row.name, row.name]);
    part.with = pick("with", part, found, run.yardstick || run.rows[0].name);
    found.show = [...form.elements.show.options].map((one) => [one.value, one.text]);
    part.show = pick("show", part, found, "time");
    return { found, run };
  }

  const wrong = [];
  const file = (part) => `${part.case}--${part.machine}`;

  // The cases, and the machines that have timed the one that is asked for.
  function where(part) {
    const found = { case: Object.keys(settings.cases).map((one) => [one, one]) };
    part.case = pick("case", part, found, found.case[0][0]);
    found.machine = settings.cases[part.case];
    part.machine = pick("machine", part, found, found.machine[0][0]);
    return found;
  }

  function pick(key, part, found, usual) {
    if (part[key] === undefined) return usual;
    if (found[key].some(([value]) => value === part[key])) return part[key];
    if (part.asked?.has(key)) wrong.push(`no ${key} “${part[key]}”`);
    return usual;
  }

  // What the address asks for; null if it speaks of something else on the page.
  function asked() {
    let text = location.hash.slice(1);
    if (!text) return {};
    if (!text.includes("=")) return document.getElementById(decoded(text)) ? null : { odd: text };
    const part = {};
    for (const [key, value] of new URLSearchParams(text)) {
      if (KEYS.includes(key)) part[key] = value;
      else wrong.push(`nothing called “${key}”`);
    }
    return part;
  }

  function decoded(text) {
    try { return decodeURIComponent(text); } catch { return text; }
  }

  function address(part) {
    return `#${KEYS.map((key) => `${key}=${encodeURIComponent(part[key])}`).join("&")}`;
  }

  // -- showing --------------------------------------------------------------------------

  const make = (tag, attributes = {}, ...inside) => {
    const drawn = ["svg", "g", "line", "path", "text", "title"].includes(tag);
    const node = drawn ? document.createElementNS("http://www.w3.org/2000/svg", tag)
      : document.createElement(tag);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    node.append(...inside);
    return node;
  };

  function fillForm(found) {
    for (const key of KEYS) {
      const select = form.elements[key];
      const before = JSON.stringify([...select.options].map((one) => [one.value, one.text]));
      if (before !== JSON.stringify(found[key])) {
        select.replaceChildren(...found[key].map(([value, text]) => make("option", { value }, text)));
      }
      select.value = chosen[key];
    }
  }

  function table(run, base, rows) {
    const shown = columns(run, base);
    const caption = `${chosen.case}, ${run.dtype}, inputs ${run.inputs}. ${run.title}, ${run.date.slice(0, 10)}.`;
    const head = make("tr", {}, make("th", { scope: "col" }, "implementation"),
      ...shown.map(([text]) => make("th", { scope: "col" }, text)));
    const body = rows.map((row) => make("tr", {}, make("th", { scope: "row" }, row.name),
      ...shown.map(([text, cells]) => make("td", { "data-head": text }, cells.get(row)))));
    return make("div", { class: "bn-scroll", role: "group", tabindex: "0", "aria-label": caption },
      make("table", { class: "bn-rows" }, make("caption", {}, caption),
        make("thead", {}, head), make("tbody", {}, ...body)));
  }

  const MARKERS = {
    o: "M5 0A5 5 0 1 1-5 0A5 5 0 1 1 5 0Z", s: "M-5-5H5V5H-5Z", "^": "M0-6L6 5H-6Z",
    v: "M0 6L6-5H-6Z", D: "M0-6L6 0L0 6L-6 0Z", x: "M-5-5L5 5M-5 5L5-5",
    P: "M-2-6H2V-2H6V2H2V6H-2V2H-6V-2H-2Z", p: "M0-6L6-1L4 6H-4L-6-1Z",
    "*": "M0-7L2-2H7L3 1L4.5 7L0 3.5L-4.5 7L-3 1L-7-2H-2Z",
  };
  const UNITS = { time: "s", first: "s", speed: "x", share: "%", rate: "/s", calls: "calls", memory: "B" };

  function tick(value, show, run) {
    if (UNITS[show] === "s") return seconds(value, 1);
    if (show === "speed") return `${value}x`.replace(/^1e-/, "10⁻");
    if (show === "share") return `${value} %`;
    if (show === "rate") return scaled(value, `${run.rows.find((row) => row.unit)?.unit ?? ""}/s`, 1);
    return show === "memory" ? scaled(value, "B", 1) : value.toLocaleString("en-US");
  }

  // A line a row: its name, a marker on a logarithmic axis, its quartiles, its number.
  function draw(run, base, rows) {
    const show = chosen.show;
    const value = (row) => VALUES[show](row, base);
    const drawn = rows.filter((row) => value(row) > 0 && value(row) < Infinity);
    figure.hidden = !drawn.length;
    figure.replaceChildren();
    if (!drawn.length) return;
    // as arraylab.figures does it: the style sheet shows one of the two
    const narrow = make("div", { class: "bn-narrow", style: "display:none" });
    narrow.append(chart(run, base, drawn, 340, 12));
    figure.append(chart(run, base, drawn, 720, 150), narrow, below(run, base, rows, drawn));
  }

  function chart(run, base, drawn, width, right) {
    const show = chosen.show;
    const value = (row) => VALUES[show](row, base);
    const [left, high] = [10, 34];
    const ends = drawn.flatMap((row) => show === "time" ? [row.low, row.high] : [value(row)]);
    if (show === "share") ends.push(100);
    if (show === "speed") ends.push(1);
    const low = Math.log10(Math.min(...ends)) - 0.05;
    const span = Math.max(Math.log10(Math.max(...ends)) + 0.05 - low, 0.3);
    const x = (v) => left + (width - left - right) * (Math.log10(v) - low) / span;
    const bottom = drawn.length * high + 10;
    const parts = [];
    const upright = (v, style) => make("line",
      { x1: x(v), x2: x(v), y1: 4, y2: bottom, stroke: "currentColor", ...style });
    let ticks = [];
    for (let p = Math.floor(low); p <= low + span; p++) {
      ticks.push(...[1, 2, 5].map((m) => Number(`${m}e${p}`)));
    }
    ticks = ticks.filter((at) => x(at) >= left && x(at) <= width - right);
    const decades = ticks.filter((at) => /^1(e|$)/.test(at.toExponential()));
    if (decades.length > 2) ticks = decades;
    const step = Math.ceil(ticks.length * 62 / (width - left - right)) || 1;
    ticks.filter((_, n) => n % step === 0).forEach((at) => {
      parts.push(upright(at, { opacity: ".25" }), make("text", { x: x(at), y: bottom + 16, "font-size": "12",
        "text-anchor": x(at) < 30 ? "start" : x(at) > width - 30 ? "end" : "middle" }, tick(at, show, run)));
    });
    const line = show === "share" ? 100 : show === "speed" ? 1 : null;
    if (line) parts.push(upright(line, { "stroke-dasharray": "5 3" }));
    drawn.forEach((row, n) => {
      const [colour, marker] = settings.look[row.library] ?? settings.plain;
      const ink = colour === settings.ink ? "currentColor" : colour;
      const y = n * high + 28;
      parts.push(make("text", { x: left, y: y - 9, "font-size": "13" }, row.name));
      if (show === "time") parts.push(make("line",
        { x1: x(row.low), x2: x(row.high), y1: y, y2: y, stroke: ink, "stroke-width": "4", opacity: ".4" }));
      const full = row.device === "cpu" && marker !== "x";
      parts.push(make("path", { d: MARKERS[marker] ?? MARKERS.p, transform: `translate(${x(value(row))} ${y})`,
        fill: full ? ink : "none", stroke: ink, "stroke-width": "1.5" }));
      const note = row.verdict === "ok" ? "" : ` ${row.verdict}`;
      parts.push(make("text", { x: width - 4, y: y - 9, "text-anchor": "end", "font-size": "13" },
        words(row, base, show) + note));
    });
    const list = drawn.map((row) => `${row.name} ${words(row, base, show)}`).join("; ");
    return make("svg", { role: "img", viewBox: `0 0 ${width} ${bottom + 24}`, width, height: bottom + 24,
      fill: "currentColor", "aria-label": `Dot chart, ${title()}, logarithmic: ${list}.` }, ...parts);
  }

  const title = () => form.elements.show.selectedOptions[0].text;

  function below(run, base, rows, drawn) {
    const without = rows.filter((row) => !drawn.includes(row)).map((row) => row.name);
    return make("figcaption", {}, [
      `${title()[0].toUpperCase()}${title().slice(1)} in ${chosen.case}, ${run.dtype}, inputs ${run.inputs}; logarithmic axis.`,
      chosen.show === "share" ? "The dashed line is the limit that this machine was measured to have." : "",
      chosen.show === "speed" ? `The dashed line is ${base?.name}: to the right of it, faster.` : "",
      drawn.some((row) => row.device !== "cpu") ? "Hollow markers ran on a GPU." : "",
      without.length ? `Without a number here: ${without.join(", ")}.` : "",
    ].filter(Boolean).join(" "));
  }

  function show() {
    const { run, base } = now;
    const rows = sorted(run, base, chosen.show);
    const turns = crossings(run, base?.name);
    const fastest = sorted(run, base, "time").find(timed);
    const marked = (test) => run.rows.filter(test).length;
    const [noisy, stale] = [marked((r) => /NOISY/.test(r.verdict)), marked((r) => !r.fresh)];
    draw(run, base, rows);
    told.replaceChildren(table(run, base, rows),
      ...run.notes.map((note) => make("p", { class: "bn-small" }, note)),
      make("p", { class: "bn-small" }, `Measured ${stamp(run)} UTC on ${run.title}.`),
      make("p", {}, turns.found.length
        ? `Where an order against ${base.name} turns round, over ${counted(turns.sizes, "size")}:`
        : `Over ${counted(turns.sizes, "size")}, no order against ${base?.name} turns round.`));
    if (turns.found.length) told.append(make("ul", {}, ...turns.found.map((one) => make("li", {}, one))));
    said.textContent = [
      wrong.length ? `The address asks for ${wrong.join(" and ")}; shown is what there is.` : "",
      `${counted(run.rows.length, "implementation")} of ${chosen.case} in ${run.dtype}, inputs ${run.inputs}, on ${run.title}, ${run.date.slice(0, 10)}.`,
      fastest ? `Fastest: ${fastest.name}, ${words(fastest, base, "time")}.` : "",
      noisy ? `${noisy} noisy.` : "", stale ? `${stale} stale.` : "",
    ].filter(Boolean).join(" ");
    said.classList.toggle("bn-alarm", wrong.length > 0);
  }

  function render(part) {
    const { found, run } = choices(part);
    chosen = Object.fromEntries(KEYS.map((key) => [key, part[key]]));
    now = { run, base: run.rows.find((row) => row.name === chosen.with) };
    form.hidden = false;
    fillForm(found);
    show();
  }

  // Brings the runs of a case, by a script, which works from a folder too.
  function bring(name) {
    if (runs[name]) return Promise.resolve();
    return new Promise((done, failed) => {
      const source = `${settings.folder}/${name}.js?v=${settings.version}`;
      const script = make("script", { src: source });
      script.onload = done;
      script.onerror = failed;
      document.head.append(script);
    });
  }

  window.bnRuns = (name, list) => {
    runs[name] = list.map((run) => ({ ...run, rows: run.rows.map((cells) =>
      Object.fromEntries(FIELDS.map((field, n) => [field, cells[n]]))) }));
  };

  async function go(part, byAddress) {
    wrong.length = 0;
    const wanted = byAddress ? asked() : part;
    if (wanted === null && now) return;  // a heading of this page
    const next = { ...wanted };
    if (next.odd) wrong.push(`“${decoded(next.odd)}”, which is nowhere on this page`);
    next.asked = new Set(byAddress ? Object.keys(next) : []);
    where(next);
    try {
      await bring(file(next));
    } catch {
      said.textContent = `The records of ${next.case} could not be loaded.`;
      return;
    }
    render(next);
  }

  form.addEventListener("change", (event) => {
    const part = { ...chosen, [event.target.name]: event.target.value };
    if (event.target.name === "case") [part.size, part.with] = [undefined, undefined];
    go(part, false).then(() => {
      if (location.hash !== address(chosen)) history.pushState(null, "", address(chosen));
    });
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("popstate", () => go({}, true));
  go({}, true);
})();
