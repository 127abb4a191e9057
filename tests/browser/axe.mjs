// Has axe-core judge every page, light and dark, wide and narrow.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { each, launch, open, serve, settle, staying } from "./site.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const site = process.argv[2];
const browser = await launch();
const server = await serve(site);
const found = [];
await each(staying(site), async (name) => {
  for (const width of [1280, 390]) {
    const page = await open(browser, { width });
    await page.emulateMediaFeatures([{ name: "prefers-reduced-motion", value: "reduce" }]);
    await page.goto(server.url + name, { waitUntil: "load" });
    await page.evaluate(axe);
    for (const theme of ["light", "dark"]) {
      await page.evaluate((mode) => {
        Object.assign(document.documentElement.dataset, { mode, theme: mode });
      }, theme);
      await settle();
      const violations = await page.evaluate(async () => {
        const judged = await axe.run(document, { resultTypes: ["violations"], preload: false });
        return judged.violations.flatMap((rule) => rule.nodes.map((node) =>
          `${rule.id}: ${node.target.join(" ")} ${node.html.slice(0, 160)} ` +
          `${node.failureSummary.slice(0, 300)}`));
      });
      const wide = await page.evaluate(() =>
        document.documentElement.scrollWidth - document.documentElement.clientWidth);
      if (wide > 0) violations.push(`the page is ${wide} px too wide`);
      found.push({ page: name, theme, width, violations });
    }
    await page.close();
  }
});
server.close();
await browser.close();
console.log(JSON.stringify(found));
