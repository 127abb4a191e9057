// Has Lighthouse judge a page as on a phone: `lighthouse.mjs SITE PAGE RUNS [CATEGORY...]`.
import lighthouse from "lighthouse";
import { launch, serve } from "./site.mjs";

const [site, name, runs, ...categories] = process.argv.slice(2);
const browser = await launch();
const server = await serve(site);
const results = [];
for (let run = 0; run < Number(runs); run += 1) {
  const options = { port: Number(new URL(browser.wsEndpoint()).port), logLevel: "silent", onlyCategories: categories };
  const { lhr } = await lighthouse(server.url + name, options);
  const scores = Object.fromEntries(
    Object.entries(lhr.categories).map(([id, c]) => [id, Math.round(100 * c.score)]));
  const wrong = Object.values(lhr.audits)
    .filter((audit) => audit.score !== null && audit.score < 0.9)
    .map((audit) => `${audit.id} ${audit.displayValue ?? ""} ${JSON.stringify(audit.details?.items ?? "").slice(0, 300)}`);
  results.push({ scores, wrong, benchmark: lhr.environment.benchmarkIndex });
}
server.close();
await browser.close();
console.log(JSON.stringify(results));
