// `signalbox sim fuzz`: a campaign prints the same whatever the number of processes, and its seeds can be had as files.
import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { binary, run } from './support/daemon.mjs';
import { CODE, expectExit } from './support/cli.mjs';
import { tempDir } from './support/temp.mjs';

const fuzz = async (...args) => expectExit(await run(['sim', 'fuzz', ...args]), CODE.ok);

describe('sim fuzz', { timeout: 120_000 }, () => {
  test('the same bytes with one process and with three', async () => {
    const one = await fuzz('--seeds', '1-12', '--tasks', '40', '--jobs', '1');
    const three = await fuzz('--seeds', '1-12', '--tasks', '40', '--jobs', '3');
    assert.equal(three.stdout, one.stdout);
    assert.match(one.stdout, /^seeds 12 {2}tasks \d+ {2}messages \d+ {2}simulated \d+ s\n/);
    assert.match(one.stdout, /\nfailures 0\n$/);
    assert.match(one.stderr, /^\d+\.\d\d s: \d+ tasks\/s\n$/);
  });

  test('other seeds, another campaign', async () => {
    const first = await fuzz('--seeds', '1', '--tasks', '40');
    const second = await fuzz('--seeds', '2', '--tasks', '40');
    assert.notEqual(first.stdout, second.stdout);
  });

  test('--out writes the scenario that a seed draws, and that file runs', async () => {
    const file = path.join(tempDir(), 'seed7.yaml');
    const written = await fuzz('--seeds', '7', '--tasks', '40', '--out', file);
    assert.equal(written.stdout, `signalbox sim ${file} --check\n`, 'it is only written');
    assert.match(fs.readFileSync(file, 'utf8'), /^version: 1\nseed: 7\ntasks: 40\n/);
    const first = expectExit(await run(['sim', file]), CODE.ok);
    assert.match(first.stdout, /^scenario seed7 {2}seed 7 /);
    assert.equal(expectExit(await run(['sim', file]), CODE.ok).stdout, first.stdout);
  });

  test('Ctrl-C tells what was seen so far', async () => {
    for (const signal of ['SIGINT', 'SIGTERM']) {
      const child = spawn(binary(), ['sim', 'fuzz', '--seeds', '1-1000000', '--tasks', '40', '--jobs', '2']);
      let stdout = '';
      child.stdout.on('data', (chunk) => { stdout += chunk; });
      setTimeout(() => child.kill(signal), 2000);
      const [code] = await once(child, 'close');
      assert.equal(code, CODE.interrupted, stdout);
      const [, seeds] = stdout.match(/^seeds (\d+) /);
      assert.ok(stdout.endsWith(`\nfailures 0\nstopped after ${seeds} of 1000000 seeds\n`), stdout);
    }
  });

  test('what cannot be meant is refused', async () => {
    for (const args of [['--seeds', '9-1'], ['--jobs', '0'], ['--tasks', '0'], ['--seeds', '1-2', '--out', 'x.yaml']]) {
      expectExit(await run(['sim', 'fuzz', ...args]), CODE.usage);
    }
  });
});
