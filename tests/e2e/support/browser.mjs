// Chromium, driven by Playwright, and pages that keep what went wrong in them.
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';
import { until } from './wait.mjs';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-headless-shell', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/// Why there can be no browser here, or nothing.
export function whyNoBrowser() {
  if (!chromium()) return 'no chromium: apt-get install chromium, or set SIGNALBOX_CHROMIUM';
  try {
    createRequire(import.meta.url).resolve('playwright-core');
  } catch {
    return 'no playwright-core: run tests/e2e/run.sh, which installs it';
  }
  return undefined;
}
function chromium() { return process.env.SIGNALBOX_CHROMIUM ?? PLACES.find((p) => fs.existsSync(p)); }

export async function startBrowser() {
  const { chromium: driver } = await import('playwright-core');
  // In a container the processes are root's, and /dev/shm may be small.
  return driver.launch({ executablePath: chromium(), headless: true, args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'] });
}

/// A page of `origin` in a context of its own: `faults` has its console errors, exceptions and answers that it should
/// not need, `foreign` the requests to anywhere else. Expected refusals are named by `expects(url, status)`.
export async function openPage(browser, origin, { width = 1280, height = 800, scheme = 'light', zone = 'Europe/Vienna', expects = () => false } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, timezoneId: zone, reducedMotion: 'reduce' });
  const page = await context.newPage();
  const faults = [], foreign = [];
  page.setDefaultTimeout(8000);
  page.on('pageerror', (e) => faults.push(`exception: ${e.stack ?? e}`));
  // A refused answer is seen below, with its address.
  page.on('console', (m) => { if (m.type() === 'error' && !/^Failed to load resource/.test(m.text())) faults.push(`console: ${m.text()}`); });
  page.on('request', (r) => { if (!r.url().startsWith(`${origin}/`) && !r.url().startsWith('data:')) foreign.push(r.url()); });
  page.on('response', (r) => { if (r.status() >= 400 && !expects(new URL(r.url()).pathname, r.status())) faults.push(`${r.status()} ${r.request().method()} ${r.url()}`); });
  return { page, context, faults, foreign, close: () => context.close() };
}

/// What axe finds and calls serious or critical, as text. The page's policy forbids scripts from elsewhere, and axe runs in
/// the page all the same: the driver's own evaluation is not under the policy.
export async function violations(page) {
  const source = fs.readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  await page.evaluate(source);
  const result = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
  return result.violations.filter((v) => v.impact === 'serious' || v.impact === 'critical' || v.tags.some((t) => t.startsWith('wcag')))
    .map((v) => `${v.id} (${v.impact}): ${v.help}: ${v.nodes.slice(0, 3).map((n) => `${n.target.join(' ')} ${n.any[0]?.message ?? n.failureSummary}`).join(' | ')}`);
}

/// Keeps a picture when SIGNALBOX_SCREENSHOTS names a folder.
export async function picture(page, name) {
  const folder = process.env.SIGNALBOX_SCREENSHOTS;
  if (!folder) return;
  fs.mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: path.join(folder, `${name}.png`) });
}

/// The texts of a table's rows, cell by cell.
export const rowsOf = (page, label) => page.locator(`table[aria-label="${label}"] tbody tr`).evaluateAll((rows) => rows.map((row) => [...row.children].map((cell) => cell.innerText.trim())));
export const untilRows = (page, label, what, test, options = {}) => {
  let last;
  return until(`${label}: ${what}`, async () => { last = await rowsOf(page, label); return test(last) ? last : undefined; }, { within: 10_000, every: 60, ...options, seen: () => last });
};
