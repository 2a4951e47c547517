#!/usr/bin/env node
// What one simulated task costs through the actors, in instructions: unlike its time, that is the same on a busy
// machine. Two runs of different lengths are counted by valgrind's callgrind, so that start and end cancel out.
//
//   simulated_task.mjs [--short 1000] [--long 4000]
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { binary, machine, main, options, root, row, temporaryFolder, which } from './support.mjs';

const { short, long } = options({ short: 1000, long: 4000 });
const scenario = path.join(root, 'simulations/experiments/e1_oracles/o4.yaml');

/// @returns instructions and messages of a run with so many calls.
function count(folder, tasks) {
  const file = path.join(folder, `${tasks}.yaml`);
  const text = fs.readFileSync(scenario, 'utf8').replace(/^tasks: .*$/m, `tasks: ${tasks}`).replace(/^warmup_tasks: .*\n/m, '');
  fs.writeFileSync(file, text);
  const run = spawnSync('valgrind', ['--tool=callgrind', `--callgrind-out-file=${folder}/${tasks}.callgrind`, binary(), 'sim', file],
    { encoding: 'utf8' });
  const instructions = Number(/Collected : (\d+)/.exec(run.stderr)?.[1]);
  const messages = Number(/^messages (\d+)$/m.exec(run.stdout)?.[1]);
  if (run.status !== 0 || !instructions || !messages) throw new Error(`${run.stdout}${run.stderr}`);
  return { instructions, messages };
}

await main(async () => {
  if (!which('valgrind')) throw new Error('no valgrind');
  console.log(`a simulated task, four slots, three classes; ${binary()}\n${machine()}\n`);
  const folder = temporaryFolder();
  const [less, more] = [count(folder, short), count(folder, long)];
  const each = (name) => (more[name] - less[name]) / (long - short);
  row('instructions per task', each('instructions').toFixed(0));
  row('messages per task', each('messages').toFixed(1));
  console.log(`\non this machine now: ${spawnSync(binary(), ['sim', scenario], { encoding: 'utf8' }).stderr.trim()}`);
});
