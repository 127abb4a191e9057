// Takes a picture of a page that a server on this machine keeps changing.
//     node tools/dashboard.mjs ADDRESS FILE WIDTH HEIGHT
import puppeteer from "puppeteer-core";

const [address, file, width, height] = process.argv.slice(2);
const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM,
  headless: true,
  args: ["--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"],
});
const page = await browser.newPage();
await page.setViewport({ width: Number(width), height: Number(height) });
await page.goto(address, { waitUntil: "load" });
console.log("open"); // the work may begin
await new Promise((ready) => process.stdin.once("data", ready)); // it has gone on a while
await page.screenshot({ path: file });
await browser.close();
process.exit(0);
