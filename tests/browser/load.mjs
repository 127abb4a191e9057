// Loads every page from a server and as a file; prints what it asked for, what failed,
// what the console said, and how much was transferred: packed from the server, whole
// from a folder; `own` is the page itself; drawings and pictures are not counted.
import { gzipSync } from "node:zlib";
import { each, fileUrl, launch, open, pages, serve, settle } from "./site.mjs";

const site = process.argv[2];
const browser = await launch();
const report = [];

async function load(base, name, from) {
  const page = await open(browser);
  await page.setCacheEnabled(false);
  const seen = { page: name, from, outside: [], failed: [], said: [], asked: [] };
  let [bytes, own] = [0, 0];
  const network = await page.createCDPSession();
  await network.send("Network.enable");
  const urls = new Map();
  network.on("Network.requestWillBeSent", (e) => urls.set(e.requestId, e.request.url));
  network.on("Network.loadingFinished", (e) => {
    const url = urls.get(e.requestId) ?? "";
    const picture = /\.(svg|png|jpe?g|webp|gif)(\?|$)/.test(url);
    if (!url.startsWith("data:") && !picture) bytes += e.encodedDataLength;
    if (url === base + name) own += e.encodedDataLength;
  });
  page.on("console", (m) => { if (["error", "warn"].includes(m.type())) seen.said.push(m.text()); });
  page.on("pageerror", (error) => seen.said.push(error.message));
  page.on("request", (request) => {
    const url = request.url();
    if (url.startsWith("data:")) return;
    if (!url.startsWith(base)) seen.outside.push(url);
    else seen.asked.push(url.slice(base.length).split("?")[0]);
  });
  page.on("requestfailed", (request) => seen.failed.push(request.url()));
  page.on("response", (response) => {
    if (response.status() >= 400) seen.failed.push(`${response.status()} ${response.url()}`);
  });
  await page.goto(base + name, { waitUntil: "load" });
  await settle();
  const facts = await page.evaluate(() => ({
    drawings: [...document.querySelectorAll(".bn-figure svg")].map((s) => s.outerHTML),
    html: document.documentElement.outerHTML,
    mathematics: document.querySelectorAll(".math").length,
    set: document.querySelectorAll(".katex, mjx-container").length,
    h1: document.querySelectorAll("h1").length,
    headings: [...document.querySelectorAll("main h1, main h2, main h3, main h4, main h5")]
      .map((h) => Number(h.tagName[1])),
    description: document.querySelector("meta[name=description]")?.content ?? "",
    icon: document.querySelector("link[rel~=icon]")?.href ?? "",
    title: document.title,
    wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  }));
  const bare = facts.drawings.reduce((text, one) => text.replace(one, ""), facts.html);
  const weigh = from === "server" ? (text) => gzipSync(text).length : Buffer.byteLength;
  const drawn = weigh(facts.html) - weigh(bare);
  [seen.bytes, seen.own] = [bytes - drawn, own - drawn];
  delete facts.html;
  facts.drawings = facts.drawings.length;
  report.push({ ...seen, ...facts });
  await page.close();
}

for (const from of ["server", "file"]) {
  const server = from === "server" ? await serve(site) : null;
  // a server shows 404.html in the place of others, so its links start at the root
  const names = pages(site).filter((name) => server || name !== "404.html");
  await each(names, (name) => load(server?.url ?? fileUrl(site), name, from));
  server?.close();
}
await browser.close();
console.log(JSON.stringify(report));
