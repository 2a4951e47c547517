// Makes a small random-weight "llama" model file (GGUF), so that a real llama.cpp runs in tests without any downloaded model.
// Its words are ASCII syllables and it never ends by itself: an answer is exactly `max_tokens` long, finish_reason "length".
// Nothing in it is third-party data.
import fs from 'node:fs';

const SPACE = '\u2581';
const NEVER = -200;

/// A seeded stream of uniform and normal numbers: the same seed gives the same file.
function random(seed) {
  let s = seed >>> 0 || 1;
  const uniform = () => {
    s ^= s << 13; s >>>= 0;
    s ^= s >>> 17;
    s ^= s << 5; s >>>= 0;
    return s / 4294967296;
  };
  return { normal: () => Math.sqrt(-2 * Math.log(uniform() + 1e-12)) * Math.cos(2 * Math.PI * uniform()) };
}

/// Three specials, 256 bytes, printable ASCII, syllables, words of two syllables.
function vocabulary() {
  const tokens = [], scores = [], types = [], known = new Set();
  const add = (text, score, type) => {
    if (known.has(text)) return;
    known.add(text); tokens.push(text); scores.push(score); types.push(type);
  };
  add('<unk>', 0, 2); add('<s>', 0, 3); add('</s>', 0, 3);
  for (let b = 0; b < 256; b++) add(`<0x${b.toString(16).toUpperCase().padStart(2, '0')}>`, 0, 6);
  add(SPACE, -1000, 1);
  for (let c = 33; c < 127; c++) add(String.fromCharCode(c), -1000 - c, 1);
  add('\n', -2000, 1);
  const firstWord = tokens.length;
  const syllables = [...'bdfgklmnprstvz'].flatMap((c) => [...'aeiou'].map((v) => c + v));
  syllables.forEach((x, i) => add(x, -500 - i, 1));
  const words = new Set(syllables.flatMap((x, i) => Array.from({ length: 12 }, (_, j) => x + syllables[(i * 7 + j * 11 + 3) % syllables.length])));
  [...words].forEach((w, i) => { add(w, -100 - i * 0.01, 1); add(SPACE + w, -10 - i * 0.01, 1); });
  while (tokens.length % 32) add(`<pad${tokens.length}>`, 0, 3);
  return { tokens, scores, types, firstWord };
}

const u32 = (v) => { const b = Buffer.alloc(4); b.writeUInt32LE(v); return b; };
const i32 = (v) => { const b = Buffer.alloc(4); b.writeInt32LE(v); return b; };
const u64 = (v) => { const b = Buffer.alloc(8); b.writeBigUInt64LE(BigInt(v)); return b; };
const f32 = (v) => { const b = Buffer.alloc(4); b.writeFloatLE(v); return b; };
const str = (v) => { const b = Buffer.from(v, 'utf8'); return Buffer.concat([u64(b.length), b]); };
const ENCODE = { u32: [4, u32], i32: [5, i32], f32: [6, f32], bool: [7, (v) => Buffer.from([v ? 1 : 0])], str: [8, str] };
const field = (key, kind, v) => Buffer.concat([str(key), u32(ENCODE[kind][0]), ENCODE[kind][1](v)]);
const list = (key, kind, v) => Buffer.concat([str(key), u32(9), u32(ENCODE[kind][0]), u64(v.length), ...v.map(ENCODE[kind][1])]);

/// A float as the bits of a half-precision one (normal range only).
const toHalf = (() => {
  const float = new Float32Array(1), bits = new Uint32Array(float.buffer);
  return (v) => {
    float[0] = v;
    const x = bits[0], sign = (x >>> 16) & 0x8000, exponent = ((x >>> 23) & 255) - 112;
    if (exponent <= 0) return sign;
    return exponent >= 31 ? sign | 0x7bff : sign | (exponent << 10) | ((x >>> 13) & 0x3ff);
  };
})();

export function writeTinyGguf(file, { width = 128, layers = 2, heads = 4, hidden = 256, context = 8192, seed = 1, name = 'tiny-random' } = {}) {
  const { normal } = random(seed);
  const { tokens, scores, types, firstWord } = vocabulary();
  const fields = [
    field('general.architecture', 'str', 'llama'), field('general.name', 'str', name), field('general.file_type', 'u32', 1),
    field('llama.vocab_size', 'u32', tokens.length), field('llama.context_length', 'u32', context), field('llama.embedding_length', 'u32', width),
    field('llama.block_count', 'u32', layers), field('llama.feed_forward_length', 'u32', hidden), field('llama.attention.head_count', 'u32', heads),
    field('llama.attention.head_count_kv', 'u32', heads), field('llama.attention.layer_norm_rms_epsilon', 'f32', 1e-5),
    field('llama.rope.dimension_count', 'u32', width / heads), field('tokenizer.ggml.model', 'str', 'llama'), field('tokenizer.ggml.pre', 'str', 'default'),
    list('tokenizer.ggml.tokens', 'str', tokens), list('tokenizer.ggml.scores', 'f32', scores), list('tokenizer.ggml.token_type', 'i32', types),
    field('tokenizer.ggml.unknown_token_id', 'u32', 0), field('tokenizer.ggml.bos_token_id', 'u32', 1), field('tokenizer.ggml.eos_token_id', 'u32', 2),
    field('tokenizer.ggml.add_bos_token', 'bool', true), field('tokenizer.ggml.add_eos_token', 'bool', false),
    field('tokenizer.chat_template', 'str', "{% for m in messages %}{{ m['role'] + ': ' + m['content'] + '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ 'assistant:' }}{% endif %}"),
  ];

  // Channel 0 of the residual stream stays 1 (embeddings put it there, no block writes to it), so a weight on it in the output
  // matrix is a bias per token: words 0, everything else never.
  const tensors = [];
  const matrix = (key, cols, rows, value) => tensors.push({ key, dims: [cols, rows], rows, cols, value, half: true });
  const vector = (key, n) => tensors.push({ key, dims: [n], rows: 1, cols: n, value: () => 1, half: false });
  const spread = (sd) => () => normal() * sd;
  const keepChannel0 = (sd) => (row) => (row === 0 ? 0 : normal() * sd);
  const bias = (row) => (row >= firstWord && types[row] === 1 ? 0 : NEVER);
  matrix('token_embd.weight', width, tokens.length, (row, col) => (col === 0 ? 1 : normal()));
  vector('output_norm.weight', width);
  matrix('output.weight', width, tokens.length, (row, col) => (col === 0 ? bias(row) : normal() * 4 / Math.sqrt(width)));
  for (let layer = 0; layer < layers; layer++) {
    const key = (n) => `blk.${layer}.${n}.weight`;
    vector(key('attn_norm'), width);
    for (const n of ['attn_q', 'attn_k', 'attn_v']) matrix(key(n), width, width, spread(1 / Math.sqrt(width)));
    matrix(key('attn_output'), width, width, keepChannel0(1 / Math.sqrt(width)));
    vector(key('ffn_norm'), width);
    matrix(key('ffn_gate'), width, hidden, spread(1 / Math.sqrt(width)));
    matrix(key('ffn_up'), width, hidden, spread(1 / Math.sqrt(width)));
    matrix(key('ffn_down'), hidden, width, keepChannel0(1 / Math.sqrt(hidden)));
  }

  const pad = (n) => Math.ceil(n / 32) * 32;
  let offset = 0;
  const infos = tensors.map((t) => {
    t.bytes = t.rows * t.cols * (t.half ? 2 : 4);
    const info = Buffer.concat([str(t.key), u32(t.dims.length), ...t.dims.map(u64), u32(t.half ? 1 : 0), u64(offset)]);
    offset += pad(t.bytes);
    return info;
  });
  const head = Buffer.concat([Buffer.from('GGUF'), u32(3), u64(tensors.length), u64(fields.length), ...fields, ...infos]);
  const out = fs.openSync(file, 'w');
  fs.writeSync(out, head);
  fs.writeSync(out, Buffer.alloc(pad(head.length) - head.length));
  for (const t of tensors) {
    const data = Buffer.alloc(pad(t.bytes));
    let at = 0;
    for (let row = 0; row < t.rows; row++) {
      for (let col = 0; col < t.cols; col++) at = t.half ? data.writeUInt16LE(toHalf(t.value(row, col)), at) : data.writeFloatLE(t.value(row, col), at);
    }
    fs.writeSync(out, data);
  }
  fs.closeSync(out);
  return file;
}
