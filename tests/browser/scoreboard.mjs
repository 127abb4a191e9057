// Uses the scoreboard as readers do: by address, by keyboard, on a phone, without scripts.
// Arguments: a folder, a page in it, and as JSON the hashes whose tables are to be read.
import { fileUrl, launch, open, settle } from "./site.mjs";

const [site, name, asked] = process.argv.slice(2);
const url = fileUrl(site) + name;
const browser = await launch();
const report = { said: [], tables: {}, keyboard: {}, links: {}, narrow: [], plain: {} };

const look = () => ({
  form: Object.fromEntries([...document.querySelectorAll(".bn-choose select")].map((s) => [s.name, s.value])),
  labels: [...document.querySelectorAll(".bn-choose select")].map((s) => s.labels[0]?.innerText ?? ""),
  status: document.querySelector(".bn-said").textContent,
  role: document.querySelector(".bn-said").getAttribute("role"),
  head: [...document.querySelectorAll(".bn-told thead th")].map((th) => th.textContent),
  rows: [...document.querySelectorAll(".bn-told tbody tr")].map((tr) =>
    [...tr.children].map((cell) => cell.textContent)),
  caption: document.querySelector(".bn-told caption")?.textContent ?? "",
  drawing: document.querySelector(".bn-board svg")?.getAttribute("aria-label") ?? "",
  figure: document.querySelector(".bn-board figcaption")?.textContent ?? "",
  turns: [...document.querySelectorAll(".bn-told li")].map((li) => li.textContent),
  notes: document.querySelector(".bn-told").textContent,
  hash: location.hash,
  wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
});

async function visit(hash, options) {
  const page = await open(browser, options);
  page.on("console", (m) => { if (["error", "warn"].includes(m.type())) report.said.push(m.text()); });
  page.on("pageerror", (error) => report.said.push(error.message));
  await page.goto(url + hash, { waitUntil: "load" });
  await page.waitForSelector(".bn-told table");
  await settle();
  return page;
}

const page = await visit("");
report.first = await page.evaluate(look);
for (const hash of JSON.parse(asked)) {
  await page.evaluate((h) => { location.hash = h; }, hash);
  await settle();
  report.tables[hash] = await page.evaluate(look);
}
await page.close();

{ // by keyboard alone, and back
  const page = await visit("");
  for (let n = 0; n < 40; n++) {
    await page.keyboard.press("Tab");
    if (await page.evaluate(() => document.activeElement?.id === "bn-case")) break;
  }
  const states = [await page.evaluate(look)];
  const then = async (work) => { await work(); await settle(); states.push(await page.evaluate(look)); };
  await then(() => page.keyboard.press("ArrowDown"));
  report.keyboard.focus = await page.evaluate(() => document.activeElement.id);
  for (let n = 0; n < 5; n++) await page.keyboard.press("Tab");
  report.keyboard.last = await page.evaluate(() => document.activeElement.id);
  await then(() => page.keyboard.press("ArrowDown"));
  await then(() => page.goBack());
  await then(() => page.goBack());
  await then(() => page.goForward());
  report.keyboard.states = states;
  await page.close();
}

for (const hash of ["#case=nonsense&show=colour", "#nowhere", "#%E0%A4%A", "#machine=of-nobody", "#a-heading"]) {
  const page = await visit(hash);
  report.links[hash] = await page.evaluate(look);
  await page.close();
}

for (const theme of ["light", "dark"]) {
  const page = await visit("", { width: 390, theme });
  report.narrow.push({ theme, ...await page.evaluate(look),
    drawn: await page.evaluate(() => [...document.querySelectorAll(".bn-board svg")]
      .map((svg) => svg.getBoundingClientRect().width).filter(Boolean)) });
  await page.close();
}

{ // without scripts
  const page = await open(browser);
  await page.setJavaScriptEnabled(false);
  await page.goto(url, { waitUntil: "load" });
  await settle();
  const text = await page.content();
  const frame = page.frames().find((one) => one.url().endsWith("all.html"));
  report.plain = {
    form: /<form class="bn-choose"[^>]* hidden/.test(text),
    frame: frame?.url() ?? "",
    tables: ((await frame?.content()) ?? "").match(/<table/g)?.length ?? 0,
  };
  await page.close();
}

await browser.close();
console.log(JSON.stringify(report));
