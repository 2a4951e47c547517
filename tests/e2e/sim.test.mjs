// `signalbox sim`: the examples of the documentation run, print the same bytes twice, and write what they say they write.
import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './support/daemon.mjs';
import { CODE, expectExit } from './support/cli.mjs';
import { tempDir } from './support/temp.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const example = (name) => path.join(root, 'examples/scenarios', `${name}.yaml`);
const sim = async (...args) => expectExit(await run(['sim', ...args], { env: { SIGNALBOX_TRACES: '' } }), CODE.ok);
const lines = (file) => fs.readFileSync(file, 'utf8').trimEnd().split('\n');

describe('sim', { timeout: 120_000 }, () => {
  test('the example of the documentation prints what the documentation shows', async () => {
    const page = fs.readFileSync(path.join(root, 'docs/simulation.md'), 'utf8');
    const { stdout, stderr } = await sim(example('night_batch'));
    assert.ok(page.includes(stdout), stdout);
    assert.match(stderr, /^\d+\.\d\d s: \d+ tasks\/s, \d+ times real time\n$/);
  });

  test('every example runs, twice the same', async () => {
    for (const file of fs.readdirSync(path.join(root, 'examples/scenarios'))) {
      const name = file.replace('.yaml', '');
      const first = await sim(example(name));
      assert.equal((await sim(example(name))).stdout, first.stdout, name);
      assert.match(first.stdout, new RegExp(`^scenario ${name}  seed 1 `));
    }
  });

  test('another seed, more slots: other figures', async () => {
    const plain = (await sim(example('three_classes'))).stdout;
    assert.notEqual((await sim(example('three_classes'), '--seed', '2')).stdout, plain);
    assert.match((await sim(example('three_classes'), '--slots', '5')).stdout, /profile shared: 5 slots/);
  });

  test('--out has a row for every call and every second', async () => {
    const out = path.join(tempDir(), 'deep/night');
    const { stdout } = await sim(example('night_batch'), '--out', out);
    assert.equal(fs.readFileSync(path.join(out, 'summary.txt'), 'utf8'), stdout);
    const tasks = lines(path.join(out, 'tasks.csv'));
    const [, count, length] = stdout.match(/tasks (\d+)  length (\d+)\.\d{3} s/);
    assert.equal(tasks.length, Number(count) + 1);
    const header = tasks[0].split(',');
    const sum = tasks.slice(1).reduce((total, row) => total + Number(row.split(',')[header.indexOf('wait_us')]), 0);
    const told = Number(stdout.match(/sum of waits (\d+) us/)[1]);
    assert.ok(told - sum >= 0 && told - sum < Number(count), 'each row is cut to whole microseconds');
    assert.equal(lines(path.join(out, 'timeline.csv')).length, Number(length) + 2);
    assert.equal(lines(path.join(out, 'classes.csv')).length, 4);
    const page = fs.readFileSync(path.join(out, 'report.html'), 'utf8');
    assert.ok(page.startsWith('<!doctype html>') && page.trimEnd().endsWith('</html>'));
    for (const chart of ['wait_distribution.svg', 'queue.svg', 'utilisation.svg']) {
      assert.match(fs.readFileSync(path.join(out, chart), 'utf8'), /^<svg xmlns="[^"]+" viewBox=/, chart);
    }
    assert.ok(!fs.existsSync(path.join(out, 'faults.csv')), 'nothing goes wrong that night');
  });

  test('a slip in the file is told with its place', async () => {
    const file = path.join(tempDir(), 'bad.yaml');
    fs.writeFileSync(file, fs.readFileSync(example('one_slot'), 'utf8').replace('seed: 1', 'sead: 1'));
    const failed = expectExit(await run(['sim', file]), CODE.usage);
    assert.match(failed.stderr, /bad\.yaml:6:1: sead: unknown key; did you mean seed\?/);
    assert.equal(failed.stdout, '');
    expectExit(await run(['sim', path.join(tempDir(), 'none.yaml')]), CODE.usage);
  });

  test('replay makes past calls again: four at once on one slot, and what two slots would have done', async () => {
    const file = path.join(tempDir(), 'calls.jsonl');
    const at = (ms) => new Date(Date.UTC(2026, 10, 21, 12) + ms).toISOString();
    const row = (index) => ({
      id: `i${index}`, profile: 'p', priority: 'interactive', model: 'm', pool: null, backend: 'm', owner: 'ann', status: 'ok',
      queued_at: at(index), admitted_at: at(index * 10_000), finished_at: at((index + 1) * 10_000), queue_wait_ms: index * 9_999, service_time_ms: 10_000, tokens_in: 1, tokens_out: null,
    });
    const refused = { ...row(0), status: 'queue_full', admitted_at: null, service_time_ms: null };
    fs.writeFileSync(file, [row(0), row(1), refused, row(2), row(3)].map((r) => JSON.stringify(r)).join('\n'));
    const plain = await sim('replay', file);
    assert.match(plain.stdout, /profile p: 1 slots, 100\.00 % in use\nsum of waits 59994000 us/);
    assert.match(plain.stderr, /^calls left out, without a slot or not ended: 1\n/);
    assert.match((await sim('replay', file, '--slots', '2')).stdout, /profile p: 2 slots, 99\.99 % in use\nsum of waits 19996000 us/);
    fs.writeFileSync(file, 'ID PROFILE\n');
    expectExit(await run(['sim', 'replay', file]), CODE.usage);
  });

  test('replay takes a trace, as fast as one likes, and says what it lacks', async () => {
    const file = path.join(tempDir(), 'trace.csv');
    fs.writeFileSync(file, 'TIMESTAMP,ContextTokens,GeneratedTokens\n2024-05-10 00:00:00.5+00:00,10,2\n2024-05-10 00:00:01.5+00:00,10,1\n');
    const given = ['--slots', '1', '--service', '1,1'];
    assert.match((await sim('replay', file, ...given)).stdout, /tasks 2  length 5\.000 s[^]*sum of waits 2000000 us/);
    assert.match((await sim('replay', file, ...given, '--traffic', '2')).stdout, /sum of waits 2500000 us/);
    const swap = await sim('replay', file, ...given, '--policy', 'swap');
    assert.match(swap.stderr, /^swap changes nothing here/);
    const missing = expectExit(await run(['sim', 'replay', file, '--slots', '1']), CODE.usage);
    assert.match(missing.stderr, /give --slots N and --service/);
  });

  test('compare says that a slot more helps, and writes a page', async () => {
    const out = path.join(tempDir(), 'compared');
    const { stdout } = await sim('compare', example('three_classes'), '--slots', '4,5', '--seeds', '1-3', '--out', out);
    assert.match(stdout, /background +mean wait, s +5 slots +\d+\.\d+ \+- \d+\.\d+ +-\d+\.\d+ \+- \d+\.\d+ \*/);
    assert.match(stdout, /interactive +mean latency, s +5 slots .* \*/);
    assert.match(stdout, /profile shared +utilisation +4 slots +0\.\d+/);
    const page = fs.readFileSync(path.join(out, 'report.html'), 'utf8');
    assert.ok(page.startsWith('<!doctype html>') && page.trimEnd().endsWith('</html>'));
    assert.equal(lines(path.join(out, 'compare.csv')).length, 1 + (3 * 8 + 1) * 2);
    assert.ok(fs.readFileSync(path.join(out, 'queue.svg'), 'utf8').includes('5 slots'));
  });

  test('compare tells variants apart by a change, and says where two are one', async () => {
    const preempting = 'preempting={profiles: {gpu: {preempt: background}}}';
    const { stdout } = await sim('compare', example('home_office'), '--variant', preempting, '--variant', 'plain={}', '--seeds', '1-2');
    assert.match(stdout, /first: as written/);
    assert.match(stdout, /background +returns per call +preempting +0\.\d+/);
    assert.match(stdout, /\nplain: same runs as "as written", call by call, with every seed\n/);
    const slip = expectExit(await run(['sim', 'compare', example('home_office'), '--variant', 'a={profiles: {gpu: {prempt: x}}}']), CODE.usage);
    assert.match(slip.stderr, /--variant "a": profiles\.gpu\.prempt: unknown key; did you mean preempt\?/);
    expectExit(await run(['sim', 'compare', example('home_office'), '--variant', 'a={}', '--variant', 'a={}']), CODE.usage);
    expectExit(await run(['sim', 'compare', example('home_office'), '--policies', 'strict,strict']), CODE.usage);
  });

  test('compare takes the calls of the past as well', async () => {
    const file = path.join(tempDir(), 'calls.jsonl');
    const at = (ms) => new Date(Date.UTC(2026, 10, 21, 12) + ms).toISOString();
    const row = (index) => ({
      id: `i${index}`, profile: 'p', priority: 'interactive', model: 'm', pool: null, backend: 'm', owner: index % 2 ? 'ann' : null, status: 'ok',
      queued_at: at(index), admitted_at: at(index * 10_000), finished_at: at((index + 1) * 10_000), queue_wait_ms: index * 9_999, service_time_ms: 10_000, tokens_in: 1, tokens_out: null,
    });
    fs.writeFileSync(file, [0, 1, 2, 3].map((index) => JSON.stringify(row(index))).join('\n'));
    const { stdout } = await sim('compare', file, '--slots', '1,2', '--variant', 'four={profiles: {p: {max_concurrent: 4}}}', '--seeds', '1');
    assert.match(stdout, /interactive +max wait, s +1 slots +29\.9970\n/);
    assert.match(stdout, /interactive +max wait, s +2 slots +9\.9980 +-19\.9990/);
    assert.match(stdout, /interactive +max wait, s +four +0\.0000 +-29\.9970/);
  });
});
