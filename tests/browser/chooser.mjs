// Uses the chooser as readers do: with every answer, by keyboard, on a phone, on paper
// and without scripts.  Arguments: a folder, a page in it, and as JSON all answers.
import { fileUrl, launch, open, settle } from "./site.mjs";

const [site, name, asked] = process.argv.slice(2);
const url = fileUrl(site) + name;
const browser = await launch();
const report = { said: [], asked: [] };

const look = () => ({
  form: !document.querySelector(".bn-chooser form").hidden
    && getComputedStyle(document.querySelector(".bn-chooser form")).display !== "none",
  said: document.querySelector(".bn-said").textContent,
  role: document.querySelector(".bn-said").getAttribute("role"),
  chosen: [...document.querySelectorAll('.bn-rule[aria-current="true"]')].map((li) => li.id),
  marked: [...document.querySelectorAll(".bn-rule.bn-chosen")].map((li) => li.id),
  rules: [...document.querySelectorAll(".bn-rule")].filter((li) => li.getClientRects().length).length,
  legends: [...document.querySelectorAll("fieldset")].filter((f) => f.querySelector("legend")?.textContent).length,
  wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
});

async function visit(options, scripts = true) {
  const page = await open(browser, options);
  page.on("console", (m) => { if (["error", "warn"].includes(m.type())) report.said.push(m.text()); });
  page.on("pageerror", (error) => report.said.push(error.message));
  page.on("request", (r) => { if (r.url().startsWith("http")) report.asked.push(r.url()); });
  await page.setJavaScriptEnabled(scripts);
  await page.goto(url, { waitUntil: "load" });
  await settle();
  return page;
}

{
  const page = await visit();
  report.first = await page.evaluate(look);
  report.every = await page.evaluate((all, looked) => {
    const seen = new Function(`return (${looked})()`);
    return all.map((answers) => {
      for (const [question, answer] of Object.entries(answers))
        document.querySelector(`input[name="${question}"][value="${answer}"]`).click();
      return seen();
    });
  }, JSON.parse(asked), look.toString());
  await page.close();
}

{ // by keyboard alone: to the first question, its other answer, and on
  const page = await visit();
  for (let n = 0; n < 20; n++) {
    await page.keyboard.press("Tab");
    if (await page.evaluate(() => document.activeElement?.name === "arrays")) break;
  }
  await page.keyboard.press("ArrowDown");
  report.keyboard = [await page.evaluate(look)];
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("Tab");
  report.focus = await page.evaluate(() => document.activeElement.name);
  await page.keyboard.press("ArrowDown");
  report.keyboard.push(await page.evaluate(look));
  await page.close();
}

{
  const page = await visit({ width: 390, theme: "dark" });
  report.narrow = await page.evaluate(look);
  await page.emulateMediaType("print");
  report.paper = await page.evaluate(look);
  await page.close();
}

{
  const page = await visit({}, false);
  report.plain = await page.content();
  await page.close();
}

await browser.close();
console.log(JSON.stringify(report));
