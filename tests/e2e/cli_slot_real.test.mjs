// The same as cli_slot.test.mjs on a real broker, without what needs a script of it.
process.env.SIGNALBOX_SLOT_BROKER = 'real';
await import('./cli_slot.test.mjs');
