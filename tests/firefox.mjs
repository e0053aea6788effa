// node firefox.mjs FIREFOX PAGE PHOTO: what a user of Firefox sees of the panels on a page, as JSON; Playwright drives
// no Firefox but its own.
import puppeteer from "puppeteer-core";

const [executablePath, address, photo] = process.argv.slice(2);
const browser = await puppeteer.launch({
  browser: executablePath.includes("firefox") ? "firefox" : "chrome", executablePath, args: ["--no-sandbox"],
});
try {
  const page = await browser.newPage(), seen = {}, trouble = [];
  page.on("pageerror", (error) => trouble.push(String(error)));
  page.on("console", (message) => trouble.push(message.text()));
  await page.setViewport({ width: 390, height: 900 });
  await page.goto(address);
  const text = (name) => page.$eval(name, (element) => element.textContent);
  const status = () => text('[data-train="status"]');
  const press = async (name, key) => {
    await page.focus(`[data-train="${name}"]`);
    await page.keyboard.press(key);
  };
  const until = async (what) => {
    const started = Date.now();
    while (!what.test(await status())) {
      if (Date.now() - started > 60_000) throw new Error(`waited for ${what}: ${await status()}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return status();
  };
  seen.wide = await page.evaluate(() => document.documentElement.scrollWidth);
  await press("step", "Enter");
  seen.step = await until(/^Epoch 0\.05:/);
  await press("play", "Enter");
  await until(/^Epoch [2-9]/);
  await press("pause", "Enter");
  await new Promise((resolve) => setTimeout(resolve, 1000));
  seen.pause = await status();
  await new Promise((resolve) => setTimeout(resolve, 500));
  seen.rest = await status();
  await press("epoch", "Enter");
  seen.epoch = await until(/^Epoch \d+:/);
  await press("again", "Enter");
  seen.again = await until(/^Epoch 0:/);
  await press("eta", "Home");
  seen.eta = await text('[data-train="eta-value"]');
  await press("eta", "ArrowRight");
  seen.next = await text('[data-train="eta-value"]');
  await page.evaluate(() => { location.hash = "#train&loss=constructor&l2=1000&eta=10&seed=1"; });
  await until(/drawn|Epoch 0:/);
  await until(/Epoch 0:/);
  seen.loss = await page.$eval('[data-train="loss"]', (select) => select.value);
  await press("play", "Enter");
  seen.broke = await until(/broke/);
  await page.click("li a[href*=hinge]");
  seen.lesson = await until(/Epoch 0:/);
  seen.address = await page.evaluate(() => location.hash);
  await (await page.$('[data-play="file"]')).uploadFile(photo);
  await page.waitForFunction(() => document.querySelector('[data-play="truth"]').textContent.includes("Your own"));
  await page.select('[data-play="setting"]', "0");
  seen.photo = await text('[data-play="truth"]');
  seen.scores = JSON.parse(await page.$eval(".play", (section) => section.dataset.scores));
  console.log(JSON.stringify({ ...seen, trouble }));
} finally {
  await browser.close();
}
