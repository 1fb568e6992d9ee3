// node accessibility.mjs CHROMIUM < {"/page": null, …}: opens each page in light and dark, on a desktop and on a
// phone, has axe-core look at it, and prints what was found as JSON. With a folder as second word it keeps pictures.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const [executablePath, pictures] = process.argv.slice(2);
const pages = JSON.parse(readFileSync(0, 'utf8'));
const devices = { desktop: [1280, 900, 1], phone: [375, 800, 2] };
const found = [];

const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
for (const scheme of ['light', 'dark']) {
  for (const [device, [width, height, deviceScaleFactor]] of Object.entries(devices)) {
    const context = await browser.newContext({
      bypassCSP: true, // axe-core is a script, which the pages themselves forbid
      colorScheme: scheme,
      viewport: { width, height },
      deviceScaleFactor,
    });
    for (const [name, address] of Object.entries(pages)) {
      const page = await context.newPage();
      await page.goto(address);
      if (pictures) await page.screenshot({ path: `${pictures}/${name}-${device}-${scheme}.png`, fullPage: true });
      await page.evaluate(() => document.querySelectorAll('details').forEach((one) => { one.open = true; }));
      await page.evaluate(axe);
      const { violations, passes } = await page.evaluate(() => axe.run());
      found.push({
        page: name,
        scheme,
        device,
        passes: passes.length,
        sideways: await page.evaluate(() => document.documentElement.scrollWidth > innerWidth),
        violations: violations.map(({ id, impact, nodes }) => ({
          id, impact, nodes: nodes.map((one) => `${one.html.slice(0, 200)} ${one.failureSummary}`),
        })),
      });
      await page.close();
    }
    await context.close();
  }
}
await browser.close();
console.log(JSON.stringify(found));
