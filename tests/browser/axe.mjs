// Has axe-core judge every page, light and dark, wide and narrow.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { launch, open, pages, serve, settle } from "./site.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const site = process.argv[2];
const browser = await launch();
const server = await serve(site);
const found = [];
for (const name of pages(site)) {
  for (const theme of ["light", "dark"]) {
    for (const width of [1280, 390]) {
      const page = await open(browser, { theme, width });
      await page.goto(server.url + name, { waitUntil: "networkidle0" });
      await settle();
      await page.evaluate(axe);
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
      await page.close();
    }
  }
}
server.close();
await browser.close();
console.log(JSON.stringify(found));
