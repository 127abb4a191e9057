// What the tests of the site share: a server, a browser, the list of pages.
import { createServer } from "node:http";
import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { extname, join, relative, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import puppeteer from "puppeteer-core";

const TYPES = {
  ".html": "text/html; charset=utf-8", ".css": "text/css", ".js": "text/javascript",
  ".svg": "image/svg+xml", ".png": "image/png", ".woff2": "font/woff2",
  ".txt": "text/plain", ".xml": "application/xml", ".json": "application/json",
};
const PACKED = new Set([".html", ".css", ".js", ".svg", ".txt", ".xml", ".json"]);

// Serves `site` as GitHub Pages does: 404.html where there is nothing, gzip where asked.
export async function serve(site, { gzip = true } = {}) {
  const lost = readFileSync(join(site, "404.html"), "utf8");
  const root = /<base href="([^"]*)"/.exec(lost)[1];  // where the site expects to lie
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url, "http://x").pathname);
    let file = join(site, path.startsWith(root) ? path.slice(root.length) : "404.html");
    if (existsSync(file) && statSync(file).isDirectory()) file = join(file, "index.html");
    const found = existsSync(file);
    if (!found) file = join(site, "404.html");
    let body = readFileSync(file);
    const kind = extname(file);
    const head = { "Content-Type": TYPES[kind] ?? "application/octet-stream" };
    head["Cache-Control"] = "max-age=600";
    if (gzip && PACKED.has(kind) && /gzip/.test(request.headers["accept-encoding"])) {
      body = gzipSync(body);
      head["Content-Encoding"] = "gzip";
    }
    response.writeHead(found ? 200 : 404, { ...head, "Content-Length": body.length });
    response.end(body);
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  const url = `http://127.0.0.1:${server.address().port}${root}`;
  return { url, close: () => { server.closeAllConnections(); server.close(); } };
}

export const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
  // every host but this machine is unreachable
  "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
];

export const launch = () =>
  puppeteer.launch({ executablePath: process.env.CHROMIUM, headless: true, args: FLAGS });

// Every page below a folder, as paths with slashes.
export function pages(site, folder = site) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name.startsWith("_") ? [] : pages(site, path);
    return entry.name.endsWith(".html") ? [relative(site, path).split(sep).join("/")] : [];
  }).sort();
}

// Those that stay: the entrance leads on to the first page at once.
export const staying = (site) => pages(site).filter((name) =>
  !readFileSync(join(site, name), "utf8").includes('http-equiv="refresh"'));

export const fileUrl = (site) => pathToFileURL(site + sep).href;

export async function open(browser, { theme = "light", width = 1280 } = {}) {
  const page = await browser.newPage();
  await page.setViewport({ width, height: 900 });
  await page.evaluateOnNewDocument((mode) => {
    try { localStorage.setItem("theme", mode); localStorage.setItem("mode", mode); }
    catch { /* no storage there */ }
  }, theme);
  return page;
}

// Until what a page starts after its loading has come to an end.
export const settle = () => new Promise((done) => setTimeout(done, 400));

// Does `work` for every one of `names`, two at a time.
export async function each(names, work) {
  const left = [...names];
  const worker = async () => { while (left.length) await work(left.shift()); };
  await Promise.all([worker(), worker()]);
}
