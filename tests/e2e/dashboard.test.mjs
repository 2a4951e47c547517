// The dashboard in a real browser against a real daemon under load: every view, what one can do in it, dark and narrow,
// by keyboard, with nothing in the console, nothing asked of another host, and nothing serious found by axe.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { openPage, picture, startBrowser, untilRows, violations, whyNoBrowser } from './support/browser.mjs';
import { startDaemon } from './support/daemon.mjs';
import { until } from './support/wait.mjs';
import { PushWorker } from './support/push_worker.mjs';
import { answers, Worker } from './support/worker.mjs';

const VIEWS = ['overview', 'live', 'calls', 'tasks', 'profiles', 'llms', 'agents'];
const PROFILE = 'openai_compat:echo';
const MARKUP = '<img src=x onerror=alert(1)><b>bold</b>';
const skip = whyNoBrowser();
// A broker that has no room for one more listener is asked again once in a while, which is no fault.
const expects = (path, status) => path === '/api/v1/events' && status === 503;

let daemon, worker, browser;
const flying = new Set();
/// A streamed call that lasts `tokens` times 200 ms.
function call(priority, description, { model = 'echo', tokens = 1400, content = 'hello' } = {}) {
  const open = daemon.openChat({ model, stream: true, messages: [{ role: 'user', content }], max_tokens: tokens }, { 'X-Signalbox-Priority': priority, 'X-Signalbox-Description': description });
  flying.add(open);
  open.done.catch(() => {}).finally(() => flying.delete(open));
  return open;
}
/// Two run, three wait, one is the worker's.
async function load() {
  call('workflow', 'first');
  await daemon.profileWhen(PROFILE, 'one runs', (p) => p.in_flight === 1);
  call('interactive', 'second');
  await daemon.profileWhen(PROFILE, 'two run', (p) => p.in_flight === 2);
  for (const [priority, description] of [['background', 'nightly'], ['workflow', 'digest'], ['interactive', 'chat window']]) call(priority, description, { content: MARKUP });
  await daemon.profileWhen(PROFILE, 'three wait', (p) => p.waiting.interactive + p.waiting.workflow + p.waiting.background === 3);
  call('workflow', 'far away', { model: 'laptop' });
}
async function unload() {
  for (const open of flying) open.abort();
  worker.release();
  await daemon.profileWhen(PROFILE, 'nothing is left', (p) => p.in_flight === 0 && p.waiting.interactive + p.waiting.workflow + p.waiting.background === 0);
}
/// Opens a page at a view, hands it over, and judges it.
async function onPage(view, options, use, isPolicy = false) {
  const opened = await openPage(browser, daemon.base, { expects, ...options });
  try {
    await opened.page.goto(`${daemon.base}/#/${view}`);
    await use(opened.page, opened);
    const faults = opened.faults.filter((f) => !(isPolicy && f.includes('Content Security Policy')));
    assert.deepEqual(faults, [], 'no faults on the page');
    assert.deepEqual(opened.foreign, [], 'no request leaves the origin');
  } finally {
    await opened.close();
  }
}

describe('the dashboard', { skip }, () => {
  before(async () => {
    daemon = await startDaemon({
      config: {
        echo: { token_delay_ms: 200, capacity: 4, tokens: 2000 },
        inference: { profiles: { quick: { max_concurrent: 4, max_queued: 100 }, [PROFILE]: { max_concurrent: 2, max_queued: 8, default_queue_wait_s: 300, default_inference_s: 300 } } },
        agents: [{ name: 'reviewer', llm: 'echo', system_prompt: MARKUP, description: 'Reviews', priority: 'workflow' }],
        workers: { heartbeat_interval_s: 1, heartbeat_timeout_s: 30 },
      },
    });
    worker = await new Worker(daemon.port, { llms: [{ name: 'laptop', type: 'llamacpp', model: 'qwen3-8b', capacity: 2 }], always: answers.words(4, { stallAfter: 2 }) }).start();
    await daemon.chat({ model: 'echo', max_tokens: 3, echo_delay_ms: 20 }, { 'X-Signalbox-Description': 'done long ago' });
    browser = await startBrowser();
    await load();
  });
  after(async () => {
    await browser?.close();
    for (const open of flying) open.abort();
    worker?.release();
    worker?.kill();
    await daemon?.stop();
  });

  for (const [mode, options] of Object.entries({ light: { scheme: 'light' }, dark: { scheme: 'dark' }, narrow: { width: 360, height: 740 } })) {
    test(`every view stands, ${mode}`, async () => {
      await onPage('overview', options, async (page) => {
        for (const view of VIEWS) {
          await page.goto(`${daemon.base}/#/${view}`);
          await page.locator(`nav a[data-view=${view}][aria-current=page]`).waitFor();
          await (view === 'overview' ? page.getByText('of 8 slots') : page.locator('tbody tr').first()).waitFor();
          await picture(page, `${view}-${mode}`);
          assert.deepEqual(await violations(page), [], view);
          const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
          assert.ok(over <= 0, `${view} is ${over} px too wide`);
        }
        const dark = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
        assert.equal(dark, options.scheme === 'dark' ? 'rgb(16, 23, 28)' : 'rgb(243, 245, 246)');
      });
    });
  }

  test('the page comes under its policy, and from the cache when it is known', async () => {
    const first = await daemon.get('/');
    assert.match(first.headers['content-security-policy'], /default-src 'none'; script-src 'self'; style-src 'self'/);
    assert.equal((await daemon.get('/', { 'If-None-Match': first.headers.etag })).status, 304);
    await onPage('overview', {}, async (page) => {
      // No inline script may run, whatever gets into the page.
      await page.evaluate(() => { const s = document.createElement('script'); s.textContent = 'window.ran = true'; document.body.append(s); });
      assert.equal(await page.evaluate(() => window.ran), undefined);
    }, 'policy');
  });

  test('overview: cards and four charts', () => onPage('overview', {}, async (page) => {
    const card = (label) => page.locator('.stat', { hasText: label }).locator('.value');
    await until('three wait', async () => (await card('Waiting').innerText()) === '3');
    assert.equal(await card('In flight').innerText(), '3');
    assert.equal(await card('Workers').innerText(), '1 / 1');
    const labels = await page.locator('canvas').evaluateAll((all) => all.map((c) => c.getAttribute('aria-label')));
    assert.equal(labels.length, 4);
    assert.match(labels[3], /^Admissions and rejections: \d+ admitted and 0 rejected/);
    const painted = await page.locator('canvas').first().evaluate((c) => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some((v) => v > 0));
    assert.ok(painted, 'something is drawn');
  }));

  test('live: running first, then the line in its order; rows keep focus and count on', () => onPage('live', {}, async (page) => {
    const rows = await untilRows(page, 'Live calls', 'six rows', (r) => r.length === 6);
    assert.deepEqual(rows.slice(3).map((r) => [r[2], r[3]]), [['interactive', '#1'], ['workflow', '#2'], ['background', '#3']]);
    assert.ok(rows.slice(0, 3).every((r) => r[1] === 'running'));
    const waited = page.locator('tbody tr').last().locator('td').nth(3);
    const link = page.locator('tbody tr').last().locator('a');
    await link.focus();
    const before = await waited.innerText();
    await until('the wait grows', async () => (await waited.innerText()) !== before);
    await new Promise((r) => { setTimeout(r, 2500); });
    assert.ok(await link.evaluate((a) => a === document.activeElement), 'the focus is where it was after updates');
  }));

  test('live: a call is cancelled after a question', () => onPage('live', {}, async (page) => {
    const victim = call('background', 'to be cancelled');
    const row = page.locator('tbody tr', { hasText: 'to be cancelled' });
    await row.getByRole('button', { name: /^cancel call/ }).click();
    await page.getByRole('button', { name: 'No', exact: true }).click();
    await row.getByRole('button', { name: /^cancel call/ }).click();
    await page.getByRole('button', { name: 'Cancel the call' }).click();
    await row.waitFor({ state: 'detached' });
    assert.equal((await victim.done).status, 409);
    assert.match(await page.locator('#toast').innerText(), /^Call .* cancelled\.$/);
  }));

  test('calls: filters are in the URL, the detail has the time line', () => onPage('calls?status=ok', {}, async (page) => {
    await untilRows(page, 'Calls', 'the one that is done', (r) => r.length === 1 && r[0][2] === 'ok');
    await page.getByLabel('Status').selectOption('running');
    await untilRows(page, 'Calls', 'those that run', (r) => r.length === 3);
    assert.match(page.url(), /#\/calls\?status=running$/);
    await page.goBack();
    await untilRows(page, 'Calls', 'as before', (r) => r.length === 1);
    await page.locator('tbody button').click();
    await page.locator('.panel .bar.wide').waitFor();
    assert.match(await page.locator('.panel .bar.wide').getAttribute('aria-label'), /Time line, ok: .*time to first token|Time line, ok: .*running/);
    assert.match(await page.locator('.panel').innerText(), /done long ago/);
    await page.keyboard.press('Escape');
    await page.locator('.panel').waitFor({ state: 'hidden' });
  }));

  test('calls: a page at a time', async () => {
    for (let i = 0; i < 105; i += 15) await Promise.all(Array.from({ length: 15 }, () => daemon.chat({ model: 'echo', max_tokens: 1, echo_delay_ms: 0 }, { 'X-Signalbox-Profile': 'quick' })));
    await onPage('calls', {}, async (page) => {
      await untilRows(page, 'Calls', 'a full page', (r) => r.length === 100);
      await page.getByRole('link', { name: 'Older' }).click();
      await untilRows(page, 'Calls', 'the rest', (r) => r.length > 0 && r.length < 100);
      await page.getByRole('link', { name: 'Newest' }).click();
      await untilRows(page, 'Calls', 'the first again', (r) => r.length === 100);
    });
  });

  test('tasks: live detail, bodies collapsed and as text, cancel', () => onPage('tasks', {}, async (page) => {
    const made = await daemon.post('/api/v1/inference-tasks', { llm: 'laptop', request: { stream: true, messages: [{ role: 'user', content: MARKUP }] }, priority: 'interactive' });
    await page.goto(`${daemon.base}/#/tasks/${made.json.id}`);
    const panel = page.locator('.panel');
    await panel.getByText('running').waitFor();
    assert.equal(await panel.locator('details[open]').count(), 0, 'bodies are collapsed');
    await panel.getByText('Request', { exact: true }).click();
    assert.match(await panel.locator('details[open] pre').innerText(), /<img src=x onerror=alert\(1\)>/);
    assert.equal(await page.locator('img[src=x]').count(), 0);
    await panel.getByText('Output so far').click();
    await until('what it said so far', async () => (await panel.getByLabel('output so far').innerText()).length > 2);
    await panel.getByRole('button', { name: 'Cancel the task' }).click();
    await page.locator('dialog').getByRole('button', { name: 'Cancel the task' }).click();
    await panel.getByText('cancelled').first().waitFor();
    await page.goto(`${daemon.base}/#/tasks?status=cancelled`);
    await untilRows(page, 'Tasks', 'only cancelled ones', (r) => r.length > 0 && r.every((cells) => cells[1] === 'cancelled'));
  }));

  test('profiles: slots change while calls run; what is typed is not overwritten', () => onPage('profiles', {}, async (page) => {
    const slots = page.getByLabel(`slots of ${PROFILE}`, { exact: true });
    await slots.fill('3');
    await new Promise((r) => { setTimeout(r, 2500); });
    assert.equal(await slots.inputValue(), '3');
    await slots.press('Enter');
    await daemon.profileWhen(PROFILE, 'three run', (p) => p.max_concurrent === 3 && p.in_flight === 3);
    await page.locator('tr', { hasText: PROFILE }).getByText('3 / 3').waitFor();
    await slots.fill('2');
    await page.getByRole('button', { name: `set the slots of ${PROFILE}` }).click();
    await daemon.profileWhen(PROFILE, 'two slots', (p) => p.max_concurrent === 2);
  }));

  test('keyboard: views, filter, rows, help, theme', () => onPage('overview', {}, async (page) => {
    await page.keyboard.type('gl');
    await untilRows(page, 'Live calls', 'rows', (r) => r.length >= 5);
    await page.keyboard.press('/');
    await page.keyboard.type('nightly');
    await untilRows(page, 'Live calls', 'one row', (r) => r.length === 1);
    assert.match(page.url(), /q=nightly/);
    await page.keyboard.press('Escape');
    await untilRows(page, 'Live calls', 'all rows', (r) => r.length >= 5);
    await page.keyboard.type('gc');
    await page.locator('tbody button').first().focus();
    await page.keyboard.press('ArrowDown');
    assert.equal(await page.evaluate(() => document.activeElement.closest('tr').rowIndex), 2);
    await page.keyboard.press('Enter');
    await page.locator('.panel').waitFor();
    await page.keyboard.press('Escape');
    await page.locator('.panel').waitFor({ state: 'hidden' });
    assert.equal(await page.evaluate(() => document.activeElement.closest('tr')?.rowIndex !== undefined), true, 'back on a row');
    await page.keyboard.press('?');
    await page.locator('dialog[open]').waitFor();
    assert.deepEqual(await violations(page), []);
    await page.keyboard.press('Escape');
    await page.keyboard.press('d');
    await page.keyboard.press('d');
    assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'dark');
    await page.reload();
    assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'dark', 'the theme is kept');
  }));

  test('workers: one is drained', () => onPage('llms', {}, async (page) => {
    const spare = await new Worker(daemon.port, { llms: [{ name: 'spare', type: 'llamacpp', model: 'qwen3-8b' }] }).start();
    try {
      await page.getByRole('button', { name: 'drain the worker of spare' }).click();
      await page.getByRole('button', { name: 'Drain the worker', exact: true }).click();
      await untilRows(page, 'Workers', 'it drains', (rows) => rows.some((r) => r[1] === 'spare' && r[2] === 'draining'));
      await until('the worker is told', () => spare.drains === 1);
      await untilRows(page, 'LLMs', 'it is one of three still', (rows) => rows.length === 3);
    } finally {
      await spare.leave();
      spare.kill();
    }
  }));

  test('a build without charts says so in their place', async () => {
    const opened = await openPage(browser, daemon.base, { expects });
    await opened.page.route('**/assets/chart.js', (r) => r.fulfill({ contentType: 'text/javascript', body: '// This build has no Chart.js.\n' }));
    await opened.page.goto(`${daemon.base}/#/overview`);
    await opened.page.getByText('This build has no charts').waitFor();
    await opened.page.getByText('of 8 slots').waitFor();
    assert.deepEqual(opened.faults, []);
    await opened.close();
  });

  test('live: what happens comes by the stream, and nothing is asked for', () => onPage('live', {}, async (page) => {
    const health = page.locator('#health');
    await until('it is live', async () => (await health.innerText()) === 'live');
    await until('it says for how long', async () => /^version \d+\.\d+\.\d+, up for /.test(await health.getAttribute('title')));
    await untilRows(page, 'Live calls', 'rows', (r) => r.length >= 5);
    const asked = [];
    page.on('request', (r) => asked.push(new URL(r.url()).pathname));
    const fresh = call('background', 'seen by the stream');
    await page.locator('tbody tr', { hasText: 'seen by the stream' }).waitFor();
    fresh.abort();
    await page.locator('tbody tr', { hasText: 'seen by the stream' }).waitFor({ state: 'detached' });
    assert.deepEqual(asked, []);
  }));

  test('profiles: slots that somebody else changes are seen at once', () => onPage('profiles', {}, async (page) => {
    await until('it is live', async () => (await page.locator('#health').innerText()) === 'live');
    const row = page.locator('tr', { hasText: PROFILE });
    for (const slots of [4, 2]) {
      assert.equal((await daemon.send({ method: 'PUT', path: `/api/v1/profiles/${PROFILE}`, body: { max_concurrent: slots } })).status, 200);
      await row.getByText(`/ ${slots}`, { exact: false }).waitFor();
      await until('the field follows', async () => (await page.getByLabel(`slots of ${PROFILE}`, { exact: true }).inputValue()) === String(slots));
    }
  }));

  test('without a place among the listeners the page asks', async () => {
    const opened = await openPage(browser, daemon.base, { expects });
    await opened.page.route('**/api/v1/events', (r) => r.fulfill({ status: 503, contentType: 'application/json', body: '{}' }));
    await opened.page.goto(`${daemon.base}/#/live`);
    await until('it polls', async () => (await opened.page.locator('#health').innerText()) === 'polling');
    await untilRows(opened.page, 'Live calls', 'rows', (r) => r.length >= 5);
    const fresh = call('background', 'seen by asking');
    await opened.page.locator('tbody tr', { hasText: 'seen by asking' }).waitFor();
    fresh.abort();
    await opened.page.locator('tbody tr', { hasText: 'seen by asking' }).waitFor({ state: 'detached' });
    assert.deepEqual([opened.faults, opened.foreign], [[], []]);
    await opened.close();
  });

  test('workers: one that is pushed to has no drain, and a broken one says so', () => onPage('llms', {}, async (page) => {
    const pushed = new PushWorker(() => daemon, { id: 'pushed', model: 'push-model', always: { status: 500, body: 'no' } });
    try {
      await pushed.start();
      await untilRows(page, 'Workers', 'it is there', (rows) => rows.some((r) => r[1] === 'push-model' && r.includes('push')));
      assert.equal(await page.getByRole('button', { name: 'drain the worker of push-model' }).count(), 0);
      assert.equal(await page.getByRole('button', { name: /^drain the worker of/ }).count(), 1, 'the one that is bound has one');
      for (let i = 0; i < 5; i++) assert.equal((await daemon.chat({ model: 'push-model' })).status, 502);
      await untilRows(page, 'LLMs', 'its breaker is open', (rows) => rows.some((r) => r[0] === 'push-model' && r.includes('open')));
    } finally {
      await pushed.kill();
    }
  }));

  test('a broker that goes is said to be gone, and found again', async () => {
    await unload();
    const opened = await openPage(browser, daemon.base, { expects });
    await opened.page.goto(`${daemon.base}/#/overview`);
    const health = opened.page.locator('#health');
    await until('it is up', async () => (await health.innerText()) === 'live');
    worker.kill();
    await daemon.kill();
    await until('it is gone', async () => /stale|offline/.test(await health.innerText()), { within: 15_000 });
    await picture(opened.page, 'overview-gone');
    await daemon.start();
    await until('it is back', async () => (await health.innerText()) === 'live', { within: 30_000 });
    await opened.close();
  });
});

describe('the dashboard of a broker with keys', { skip }, () => {
  const key = `sbx_${crypto.randomBytes(32).toString('hex')}`;
  const sha256 = crypto.createHash('sha256').update(key).digest('hex');
  let guarded, driver;
  before(async () => {
    guarded = await startDaemon({ config: { auth: { mode: 'keys', keys: [{ id: 'k', owner: 'alice', sha256, grants: ['profiles:view', 'llms:view'] }] } } });
    driver = await startBrowser();
  });
  after(async () => { await driver?.close(); await guarded?.stop(); });

  test('asks for a key, says when it is wrong, and shows what the key may see', async () => {
    const { page, faults, foreign, close } = await openPage(driver, guarded.base, { expects: (path, status) => [401, 403].includes(status) || expects(path, status) });
    await page.goto(guarded.base);
    await page.getByLabel('Key', { exact: true }).fill('wrong');
    await page.keyboard.press('Enter');
    await page.getByText('does not know this key').waitFor();
    await picture(page, 'key');
    assert.deepEqual(await violations(page), []);
    await page.getByLabel('Key', { exact: true }).fill(key);
    await page.getByRole('button', { name: 'Use this key' }).click();
    await page.getByText('has no grant calls:view').waitFor();
    assert.ok(!page.url().includes(key), 'the key is in no address');
    assert.equal(await page.evaluate(() => JSON.stringify(localStorage)), '{}');
    assert.equal(await page.evaluate(() => JSON.stringify(sessionStorage) + document.cookie), '{}', 'no script can read what lets it in');
    const [cookie] = await page.context().cookies();
    assert.deepEqual([cookie.name, cookie.httpOnly, cookie.sameSite], ['signalbox_session', true, 'Strict']);
    const status = (method, path) => page.evaluate(async ([m, p]) => (await fetch(p, { method: m })).status, [method, path]);
    assert.equal(await status('GET', '/api/v1/profiles'), 200);
    assert.equal(await status('POST', '/logout'), 200, 'its own origin may change things');
    assert.equal(await status('GET', '/api/v1/profiles'), 401);
    assert.deepEqual([faults, foreign], [[], []]);
    await close();
  });
});
