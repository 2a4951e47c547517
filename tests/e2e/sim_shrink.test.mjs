// `sim --check` and `sim shrink` at the command line: a sound house breaks nothing, so there is nothing to shrink; what is wrong with the
// arguments is told. That failures become small is for the unit tests, that planted bugs do for tests/mutations.
import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './support/daemon.mjs';
import { CODE, expectExit } from './support/cli.mjs';
import { tempDir } from './support/temp.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const crowd = path.join(root, 'tests/golden/crowd.yaml');
const sim = (...args) => run(['sim', ...args], { env: { SIGNALBOX_TRACES: '' }, ms: 60_000 });

describe('sim shrink', { timeout: 120_000 }, () => {
  test('a checked run says that every invariant held', async () => {
    const { stdout } = expectExit(await sim(crowd, '--check'), CODE.ok);
    assert.match(stdout, /^scenario crowd  seed 5 /);
    assert.ok(stdout.endsWith('\nevery invariant held\n'), stdout);
  });

  test('what does not fail is not shrunk, and nothing is written', async () => {
    const out = path.join(tempDir(), 'minimal.yaml');
    for (const what of [[crowd], ['--seed', '1', '--tasks', '50']]) {
      const failed = expectExit(await sim('shrink', ...what, '--out', out), CODE.failure);
      assert.match(failed.stderr, /nothing fails in this scenario/);
      assert.ok(!fs.existsSync(out));
    }
  });

  test('it wants one scenario, and a place for what is left', async () => {
    assert.match(expectExit(await sim('shrink', '--out', '/tmp/x'), CODE.usage).stderr, /SCENARIO or --seed is required/);
    assert.match(expectExit(await sim('shrink', crowd), CODE.usage).stderr, /--out is required/);
    assert.match(expectExit(await sim('shrink', crowd, '--seed', '1', '--out', '/tmp/x'), CODE.usage).stderr, /excludes/);
  });
});
