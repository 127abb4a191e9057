// What a reader sees: colours of drawings, icons, search, paper, a phone, and the page
// for a wrong address.
import { each, fileUrl, launch, open, serve, settle, staying } from "./site.mjs";

const [site, lecture, word] = process.argv.slice(2);
const browser = await launch();
const server = await serve(site);
const report = { drawings: [], icons: [], search: {}, paper: [], phone: [], lost: {} };

function drawn() {
  const light = (colour) => {
    const [r, g, b, a = 1] = colour.match(/[\d.]+/g).map(Number);
    const [x, y, z] = [r, g, b].map((c) => c / 255)
      .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return { value: 0.2126 * x + 0.7152 * y + 0.0722 * z, a };
  };
  const solid = (node) => {  // faint lines and bands are scenery
    for (let n = node; n.tagName !== "svg"; n = n.parentElement) {
      if (Number(getComputedStyle(n).opacity) < 1) return false;
    }
    return true;
  };
  const plain = (colour) => {  // what lies under a hatched area's lines
    const pattern = colour.match(/^url\("(#.*)"\)/);
    if (!pattern) return colour;
    return getComputedStyle(document.querySelector(`${pattern[1]} > rect`)).fill;
  };
  const paper = light(getComputedStyle(document.body).backgroundColor).value;
  const found = [];
  for (const node of document.querySelectorAll(
    ".bn-figure svg :is(text, path, line, use, rect, circle)")) {
    if (node.closest("defs, clipPath") || !solid(node)) continue;
    const style = getComputedStyle(node);
    const kinds = node.tagName === "text" ? ["fill"] : ["fill", "stroke"];
    for (const kind of kinds) {
      const colour = plain(style[kind]);
      if (colour === "none" || Number(style[`${kind}Opacity`]) < 1) continue;
      const ink = light(colour);
      if (ink.a < 1) continue;
      const [dark, bright] = [ink.value, paper].sort((p, q) => p - q);
      const contrast = (bright + 0.05) / (dark + 0.05);
      found.push({ tag: node.tagName, kind, colour, contrast });
    }
  }
  return found;
}

function onPaper() {
  const seen = (node) => node.getBoundingClientRect().height > 0
    && node.checkVisibility({ visibilityProperty: true, opacityProperty: true });
  const folded = [...document.querySelectorAll(
    "article details > :not(summary), article .admonition.dropdown > :not(.admonition-title)")]
    .filter((node) => !node.matches("style, script, .toggle-button") && node.innerText?.trim());
  const navigation = [...document.querySelectorAll(
    ".bd-sidebar-primary, .bd-sidebar-secondary, .bd-header-article, .prev-next-footer, " +
    ".copybtn, .headerlink, .toggle-button")];
  return {
    folded: folded.length,
    hidden: folded.filter((node) => !seen(node)).map((node) => node.outerHTML.slice(0, 120)),
    navigation: navigation.filter(seen).map((node) => node.className),
    title: [...document.querySelectorAll("h1")].filter(seen).length,
  };
}

// What of a narrow page is cut off, too small, or one on top of the other.
function onPhone() {
  const faults = [];
  for (const svg of document.querySelectorAll(".bn-figure svg")) {
    if (!svg.checkVisibility()) continue;
    const frame = svg.getBoundingClientRect();
    const scale = frame.width / svg.viewBox.baseVal.width;
    const ticks = [];
    for (const text of svg.querySelectorAll("text")) {
      const box = text.getBoundingClientRect();
      const words = `"${text.textContent.trim()}" in "${svg.getAttribute("aria-label").slice(0, 60)}"`;
      const lines = [...text.querySelectorAll("tspan")];
      const size = scale * Math.max(...[text, ...lines].map((t) => parseFloat(getComputedStyle(t).fontSize)));
      if (size < 9) faults.push(`${words} is ${size.toFixed(1)} px high`);
      const out = Math.max(frame.left - box.left, box.right - frame.right, frame.top - box.top, box.bottom - frame.bottom);
      if (out > 3) faults.push(`${words} is cut off by ${out.toFixed(0)} px`);
      if (text.closest("[id*=tick_]")) ticks.push({ box, words });
    }
    ticks.forEach(({ box: a, words }, n) => ticks.slice(n + 1).forEach(({ box: b }) => {
      const [wide, high] = [[a.left, a.right, b.left, b.right], [a.top, a.bottom, b.top, b.bottom]]
        .map(([p, q, r, s]) => Math.min(q, s) - Math.max(p, r));
      if (wide > 2 && high > 4) faults.push(`${words} lies on another label`);
    }));
  }
  for (const frame of document.querySelectorAll(".bn-scroll")) {
    const out = frame.scrollWidth - frame.clientWidth;
    if (out > 0) faults.push(`the table "${frame.getAttribute("aria-label").slice(0, 60)}" is ${out} px too wide`);
  }
  return faults;
}

const bare = () => [...document.querySelectorAll("i[class*='fa-']")]
  .filter((icon) => icon.checkVisibility() &&
    getComputedStyle(icon, "::before").content === "none")
  .map((icon) => icon.className);

await each(staying(site), async (name) => {
  const page = await open(browser);
  await page.emulateMediaFeatures([{ name: "prefers-reduced-motion", value: "reduce" }]);
  await page.goto(server.url + name, { waitUntil: "load" });
  for (const theme of ["light", "dark"]) {
    await page.evaluate((mode) => {
      Object.assign(document.documentElement.dataset, { mode, theme: mode });
    }, theme);
    await settle();
    for (const one of await page.evaluate(drawn)) {
      report.drawings.push({ page: name, theme, ...one });
    }
    report.icons.push(...await page.evaluate(bare));
  }
  await page.setViewport({ width: 390, height: 900 });
  await settle();
  report.phone.push({ page: name, faults: await page.evaluate(onPhone) });
  await page.setViewport({ width: 1280, height: 900 });
  await page.emulateMediaType("print");
  await settle();
  report.paper.push({ page: name, ...await page.evaluate(onPaper) });
  await page.close();
});

const results = (page) => page.waitForFunction(  // they come one by one
  () => /found/.test(document.querySelector("#search-results .search-summary")?.innerText))
  .then(() => page.$$eval("#search-results li a", (links) => links.map((a) => a.href)));

{ // from a page by keyboard, and directly from a file
  const page = await open(browser);
  await page.goto(server.url + lecture, { waitUntil: "networkidle0" });
  await page.keyboard.down("Control");
  await page.keyboard.press("k");
  await page.keyboard.up("Control");
  await settle();
  await page.keyboard.type(word);
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
  report.search.server = await results(page);
  await page.goto(`${fileUrl(site)}search.html?q=${word}`);
  report.search.file = await results(page);
  await page.close();
}

{ // an address that leads nowhere, some folders down
  const page = await open(browser);
  const failed = [];
  page.on("response", (r) => { if (r.status() >= 400 && !r.request().isNavigationRequest()) failed.push(r.url()); });
  const answer = await page.goto(`${server.url}no/such/page.html`, { waitUntil: "networkidle0" });
  report.lost = {
    status: answer.status(), failed, title: await page.$eval("h1", (h) => h.innerText),
    styled: await page.evaluate(() => document.styleSheets.length),
  };
  const links = await page.$$eval("article a, .bd-sidebar-primary a, #pst-skip-link a", (all) => all.map((a) => a.href));
  report.lost.dead = [];
  for (const link of links) {
    if ((await fetch(link)).status !== 200) report.lost.dead.push(link);
  }
  report.lost.links = links.length;
}

server.close();
await browser.close();
console.log(JSON.stringify(report));
