// Temporary folders and child processes of a test file; all of them are gone when the file ends, however it ends.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const folders = new Set();
const children = new Set();

process.on('exit', () => {
  for (const child of children) {
    try { process.kill(child.pid, 'SIGKILL'); } catch { /* it is gone already */ }
  }
  for (const folder of folders) fs.rmSync(folder, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1));

export function tempDir(prefix = 'signalbox-e2e-') {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), prefix));
  folders.add(folder);
  return folder;
}

/// Has `child` killed by its pid at the end of this process if it is still there.
export function guard(child) {
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}
