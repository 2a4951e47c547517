// Waiting without fixed sleeps: poll a condition until a deadline, then fail saying what was last seen.
import { setTimeout as delay } from 'node:timers/promises';

/// Upper bound for "soon" on a machine that is busy with other builds. Unit: ms.
export const SOON = 15_000;

/// Calls `probe` until it gives something truthy and returns that. `probe` may throw; the last error is told at the end.
/// `what` says in words what is waited for; `seen` (optional) tells the state at failure.
export async function until(what, probe, { within = SOON, every = 15, seen } = {}) {
  const end = Date.now() + within;
  let last;
  for (;;) {
    try {
      const value = await probe();
      if (value) return value;
      last = undefined;
    } catch (e) {
      last = e;
    }
    if (Date.now() >= end) break;
    await delay(every);
  }
  const state = seen ? `; last seen: ${typeof seen === 'function' ? JSON.stringify(await seen()) : seen}` : '';
  throw new Error(`not within ${within} ms: ${what}${last ? `; last error: ${last.message}` : ''}${state}`);
}

/// The promise's value, or a failure that says what did not come.
export async function within(what, promise, ms = SOON) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${ms} ms: ${what}`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
