// The commands that need no daemon: completions in the shells they are for, and keys that the configuration takes.
import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import { binary, run, startDaemon } from './support/daemon.mjs';
import { CODE, expectExit, told } from './support/cli.mjs';
import { tempDir } from './support/temp.mjs';

const has = (program) => spawnSync(program, ['--version']).status === 0;
const dir = tempDir();
async function script(shell) {
  const file = path.join(dir, `signalbox.${shell}`);
  fs.writeFileSync(file, expectExit(await run(['completion', shell]), CODE.ok).stdout);
  return file;
}
function sh(program, args) {
  const r = spawnSync(program, args, { encoding: 'utf8', timeout: 20_000, env: { ...process.env, PATH: `${path.dirname(binary())}:${process.env.PATH}` } });
  assert.equal(r.stderr, '', `${program} ${args}`);
  assert.equal(r.status, 0, `${program} ${args}`);
  return r.stdout;
}
// What is typed, and what is offered. The first is a prefix of the words.
const offers = [
  ['signalbox ', ['serve', 'get', 'describe', 'cancel', 'chat-llm', 'chat', 'config', 'keys', 'worker', 'slot', 'top', 'sim', 'completion']],
  ['signalbox ge', ['get']],
  ['signalbox get ', ['tasks', 'task', 'inference-tasks', 'inference-task', 'workers', 'worker', 'llms', 'llm', 'agents', 'agent', 'profiles', 'profile', 'calls', 'call', 'pools', 'pool']],
  ['signalbox get tasks --sta', ['--status']],
  ['signalbox get tasks --status ', ['pending', 'claimed', 'running', 'completed', 'error', 'cancelled', 'queued', 'ok', 'queue_full', 'queue_wait_timeout', 'inference_timeout']],
  ['signalbox get -o w', ['wide']],
  ['signalbox get -o wide ta', ['tasks', 'task']],
  ['signalbox config ', ['check']],
  ['signalbox sim comp', ['compare']],
  ['signalbox sim compare --see', ['--seeds']],
  ['signalbox keys new --max-priority in', ['interactive']],
  ['signalbox completion ', ['bash', 'zsh', 'fish']],
];

describe('completion', { timeout: 60_000 }, () => {
  test('bash', async () => {
    const file = await script('bash');
    sh('bash', ['-n', file]);
    const ask = (line) => sh('bash', ['-c', 'source "$1"; COMP_LINE=$2 COMP_POINT=${#2}; _signalbox; printf "%s\\n" "${COMPREPLY[@]}"', 'x', file, line]).trim().split('\n');
    for (const [line, words] of offers) assert.deepEqual(ask(line), words, line);
    assert.deepEqual(ask('signalbox keys new --grant tasks:v'), ['view'], 'bash puts in what stands after the colon');
    assert.deepEqual(ask('signalbox get --output=js'), ['json', 'jsonl']);
    assert.deepEqual(ask('signalbox get task '), [''], 'ids are not guessed');
    assert.deepEqual(ask(`signalbox config check ${dir}/signalbox.b`), [file]);
    assert.deepEqual(ask(`signalbox sim ${dir}/signalbox.b`), [file], 'a file in the place of a command');
  });

  test('fish', { skip: !has('fish') }, async () => {
    const file = await script('fish');
    sh('fish', ['-n', file]);
    for (const [line, words] of offers) {
      const got = sh('fish', ['-c', `source '${file}'; complete -C '${line}'`]).trim().split('\n').map((l) => l.split('\t')[0]);
      assert.deepEqual(got.sort(), [...words].sort(), line);
    }
  });

  test('zsh', { skip: !has('zsh') }, async () => {
    const file = await script('zsh');
    sh('zsh', ['-n', file]);
    // One that fits is put in, so the line itself tells; lists would be painted.
    const driver = `zmodload zsh/zpty; zpty z zsh -f -i
      zpty -w z "PS1='> '; unsetopt beep; autoload -Uz compinit; compinit -D -u; source '${file}'; echo REA''DY"
      zpty -r -m z out '*READY*'
      zpty -w -n z $'signalbox get -o w\\t'; zpty -r -m z out '*get -o w*ide*' && print found wide
      zpty -w -n z $'\\x15signalbox keys n\\t'; zpty -r -m z out '*keys n*ew*' && print found keys new
      zpty -d z`;
    const out = spawnSync('zsh', ['-f', '-c', driver], { encoding: 'utf8', timeout: 20_000 });
    assert.match(out.stdout, /found wide\nfound keys new/, out.stderr);
  });

  test('an unknown shell', async () => {
    const r = expectExit(await run(['completion', 'tcsh']), CODE.usage);
    assert.equal(r.stdout, '');
  });
});

describe('keys new', { timeout: 60_000 }, () => {
  const make = async (...args) => expectExit(await run(['keys', 'new', ...args]), CODE.ok);

  test('a key, and the line that lets it in', async () => {
    const r = await make('--owner', 'alice', '--id', 'laptop', '--grant', 'tasks:view', '--grant', 'calls:view', '--max-priority', 'workflow', '--default-priority', 'Background');
    const [key, line, ...rest] = r.stdout.trimEnd().split('\n');
    assert.deepEqual(rest, [], 'two lines on stdout');
    assert.match(key, /^sbx_[A-Za-z0-9_-]{43}$/);
    assert.ok(line.includes(crypto.createHash('sha256').update(key).digest('hex')) && !line.includes(key), line);
    assert.ok(!r.stderr.includes(key), 'the key is printed once');
    const file = path.join(dir, 'with_key.yaml');
    fs.writeFileSync(file, `auth:\n  mode: keys\n  keys:\n    ${line}\n`);
    expectExit(await run(['config', 'check', file]), CODE.ok);
  });

  test('a daemon takes it', async () => {
    const [key, line] = (await make('--owner', 'bob')).stdout.split('\n');
    const [, id, sha256] = /id: "([^"]+)".*sha256: "([^"]+)"/.exec(line);
    assert.match(id, /^bob-[0-9a-f]{6}$/);
    const daemon = await startDaemon({ config: { auth: { mode: 'keys', keys: [{ id, owner: 'bob', sha256 }] } } });
    try {
      const file = path.join(dir, 'key');
      fs.writeFileSync(file, `${key}\n`, { mode: 0o600 });
      expectExit(await run(['get', 'llms', '--key-file', file], { env: { SIGNALBOX_URL: daemon.base } }), CODE.ok);
      expectExit(await run(['get', 'llms'], { env: { SIGNALBOX_URL: daemon.base, SIGNALBOX_API_KEY: `${key}x` } }), CODE.key);
    } finally {
      await daemon.stop();
    }
  });

  test('no two are the same', async () => {
    const keys = await Promise.all(Array.from({ length: 5 }, () => make('--owner', 'a')));
    assert.equal(new Set(keys.map((r) => r.stdout)).size, 5);
  });

  test('slips', async () => {
    for (const args of [[], ['--owner', ''], ['--owner', 'a b'], ['--owner', 'a', '--grant', 'task:view'], ['--owner', 'a', '--max-priority', 'high'], ['--owner', 'a', '--id', '"']]) {
      const r = expectExit(await run(['keys', 'new', ...args]), CODE.usage);
      assert.equal(r.stdout, '', told(r));
    }
  });
});
