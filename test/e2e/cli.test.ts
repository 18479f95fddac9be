// The command line from end to end on a small network: what it prints, its exit codes, and what it leaves on disk.
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readNpy, writeNpy } from '../../src/calibrate/npy.js';
import { DIGITS, lowbit, lowbitJson, start } from './command-line.js';

let folder: string;
let data: string;
let quantized: string;

/** Drawn strokes on black, 0 to 255: not digits, but of their kind. */
function drawing(seed: number): Float32Array {
  const image = new Float32Array(28 * 28);
  let state = seed * 2654435761;
  const next = (n: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) % n;
  };
  for (let stroke = 0; stroke < 3; stroke++) {
    let [y, x] = [4 + next(20), 4 + next(20)];
    const [dy, dx] = [next(3) - 1, next(3) - 1];
    for (let i = 0; i < 12; i++) {
      for (const [v, u] of [
        [0, 0],
        [0, 1],
        [1, 0],
        [1, 1],
      ] as const)
        image[(y + v) * 28 + x + u] = 180 + next(76);
      y = Math.min(26, Math.max(0, y + dy));
      x = Math.min(26, Math.max(0, x + dx));
    }
  }
  return image;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lowbit-cli-'));
  data = join(folder, 'drawings.npy');
  quantized = join(folder, 'digits.int8.onnx');
  const count = 40;
  const images = new Float32Array(count * 28 * 28);
  for (let i = 0; i < count; i++) images.set(drawing(i + 1), i * 28 * 28);
  await writeFile(data, writeNpy({ dtype: 'float32', dims: [count, 1, 28, 28], data: images }));
  await writeFile(join(folder, 'one.npy'), writeNpy({ dtype: 'float32', dims: [1, 1, 28, 28], data: drawing(1) }));
  const made = await lowbit('quantize', DIGITS, '-o', quantized, '--calibrate', data);
  expect(made.stderr).toContain('calibrate: 40/40');
  expect(made.code, made.stderr).toBe(0);
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe('lowbit info and help', () => {
  it('names backend, instruction set, threads and version', async () => {
    const { code, json } = await lowbitJson('info');
    expect(code).toBe(0);
    expect(json).toMatchObject({
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      backend: 'native',
      isa: expect.stringMatching(/^(portable|x86_|arm_)/),
      threads: expect.any(Number),
      isas: expect.arrayContaining(['portable']),
    });
  });

  it('obeys LOWBIT_ISA and refuses an unknown one, listing the known', async () => {
    const forced = await start(['info', '--json'], { LOWBIT_ISA: 'portable' }).finished;
    expect(JSON.parse(forced.stdout)).toMatchObject({ isa: 'portable' });
    const unknown = await start(['info'], { LOWBIT_ISA: 'x86_sse9' }).finished;
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toMatch(/ERR_BAD_ENVIRONMENT.*x86_sse9.*portable/s);
  });

  it('shows an example for every command', async () => {
    const { code, stdout } = await lowbit('--help');
    expect(code).toBe(0);
    const commands = [...stdout.matchAll(/^ {2}(\w+) .*$/gm)]
      .map(([, name]) => name as string)
      .filter((name) => name !== 'help');
    expect(commands).toEqual(['quantize', 'compare', 'run', 'bench', 'inspect', 'info']);
    for (const command of commands) {
      const help = await lowbit(command, '--help');
      expect(help.code).toBe(0);
      expect(help.stdout).toMatch(new RegExp(`Example:\\n.*lowbit ${command}`));
    }
    expect((await lowbit('--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe('wrong usage', () => {
  it.each([
    ['no command', []],
    ['an unknown command', ['squeeze']],
    ['an unknown option', ['info', '--fast']],
    ['a missing argument', ['inspect']],
    ['an argument too many', ['info', 'x']],
    ['a missing output', ['quantize', DIGITS]],
    ['no calibration', ['quantize', DIGITS, '-o', '/nowhere/a']],
    ['an unknown scheme', ['quantize', DIGITS, '-o', 'a', '--scheme', 'int3']],
    ['two schemes', ['quantize', DIGITS, '-o', 'a', '--dynamic', '--scheme', 'static-u8i8']],
    ['nothing to measure', ['bench']],
    ['a model beside --kernels', ['bench', DIGITS, '--kernels']],
    ['kernels that are not there', ['bench', '--kernels', '--filter', 'no such kernel']],
    ['no number', ['bench', DIGITS, '--rounds', 'many']],
    ['an unknown preset', ['compare', DIGITS, DIGITS, '--data', '.', '--preprocess', 'nothing']],
    ['nothing to feed', ['run', DIGITS]],
  ])('ends with 2: %s', async (_what, args) => {
    const { code, stdout, stderr } = await lowbit(...args);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).not.toBe('');
  });

  it('is one JSON object too', async () => {
    for (const args of [['squeeze'], ['bench', DIGITS, '--rounds', '0']]) {
      const { code, json } = await lowbitJson(...args);
      expect(code).toBe(2);
      expect(json).toMatchObject({ error: { code: 'ERR_USAGE', message: expect.any(String) } });
    }
  });
});

describe('lowbit inspect', () => {
  it('prints inputs, outputs, operators and weights', async () => {
    const { json } = await lowbitJson('inspect', DIGITS, '--nodes');
    expect(json).toMatchObject({
      bytes: 26454,
      inputs: [{ name: 'Input3', type: 'float32', dims: [1, 1, 28, 28] }],
      outputs: [{ name: 'Plus214_Output_0', type: 'float32', dims: [1, 10] }],
      nodes: 12,
      operators: { Add: 3, Conv: 2, MatMul: 1, MaxPool: 2, Relu: 2, Reshape: 2 },
      weights: { tensors: 8, elements: 5998 },
    });
    expect(json['nodeList']).toHaveLength(12);
    const { stdout } = await lowbit('inspect', quantized);
    expect(stdout).toMatch(/QuantizeLinear +\d+/);
  });
});

describe('lowbit quantize', () => {
  it('reports what became of every node, and refuses to overwrite without --force', async () => {
    const before = await readFile(quantized);
    const refused = await lowbit('quantize', DIGITS, '-o', quantized, '--calibrate', data);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('ERR_FILE_EXISTS');
    expect(await readFile(quantized)).toEqual(before);
    const { code, json } = await lowbitJson('quantize', DIGITS, '-o', quantized, '--calibrate', data, '--force');
    expect(code).toBe(0);
    // The same model, data and seed make the same bytes.
    expect(await readFile(quantized)).toEqual(before);
    expect(json).toMatchObject({
      scheme: 'static-u8i8',
      samples: 40,
      bytes: { reference: 26454, candidate: before.length, ratio: before.length / 26454 },
      nodes: expect.arrayContaining([expect.objectContaining({ op: 'Conv', quantized: true, reason: null })]),
      isa: expect.any(String),
    });
  });

  it('makes the same bytes with any number of threads, and other bytes from other samples', async () => {
    const bytesWith = async (name: string, args: string[], env: Record<string, string>): Promise<Buffer> => {
      const out = join(folder, name);
      const { code, stderr } = await start(['quantize', DIGITS, '-o', out, '--calibrate', data, ...args], env).finished;
      expect(code, stderr).toBe(0);
      return readFile(out);
    };
    const whole = await readFile(quantized);
    expect(await bytesWith('one-thread.onnx', [], { LOWBIT_THREADS: '1' })).toEqual(whole);
    const few = await bytesWith('few.onnx', ['--samples', '3', '--seed', '5'], {});
    expect(few).not.toEqual(whole);
    expect(await bytesWith('few-again.onnx', ['--samples', '3', '--seed', '5'], {})).toEqual(few);
  });

  it('leaves excluded nodes in float and says so', async () => {
    const out = join(folder, 'excluded.onnx');
    const { json } = await lowbitJson('quantize', DIGITS, '-o', out, '--calibrate', data, '--exclude', 'Convolution28');
    expect(json['nodes']).toContainEqual({
      name: 'Convolution28',
      op: 'Conv',
      quantized: false,
      reason: 'the scheme excludes it by name',
    });
    expect((await lowbit('compare', DIGITS, out, '--data', data, '--rounds', '1')).code).toBe(0);
  });

  it('quantizes without data with --dynamic', async () => {
    const out = join(folder, 'dynamic.onnx');
    const { code, json } = await lowbitJson('quantize', DIGITS, '-o', out, '--dynamic');
    expect(code).toBe(0);
    expect(json).toMatchObject({ scheme: 'dynamic-u8i8-conv', samples: 0, dataset: null });
    const compared = await lowbitJson('compare', DIGITS, out, '--data', data, '--rounds', '1', '--min-sqnr', '20');
    expect(compared.code, JSON.stringify(compared.json)).toBe(0);
  });

  it.each([
    ['a missing model', (bad: string) => ['quantize', join(bad, 'no.onnx'), '--calibrate', data], 'ERR_IO'],
    ['random bytes', (bad: string) => ['quantize', join(bad, 'random.onnx'), '--calibrate', data], 'ERR_BAD_FILE'],
    ['a truncated model', (bad: string) => ['quantize', join(bad, 'half.onnx'), '--calibrate', data], 'ERR_BAD_FILE'],
    ['missing data', (bad: string) => ['quantize', DIGITS, '--calibrate', join(bad, 'no')], 'ERR_IO'],
    [
      'samples of another shape',
      (bad: string) => ['quantize', DIGITS, '--calibrate', join(bad, 'shape.npy')],
      'ERR_BAD_FEED',
    ],
    [
      'a model as output folder',
      (bad: string) => ['quantize', DIGITS, '--calibrate', join(bad, 'random.npy')],
      'ERR_BAD_FILE',
    ],
  ])('ends with 1 and writes nothing: %s', async (_what, args, code) => {
    const bad = await mkdtemp(join(folder, 'bad-'));
    const random = Uint8Array.from({ length: 5000 }, (_, i) => (Math.imul(i + 1, 2654435761) >>> 13) & 255);
    await writeFile(join(bad, 'random.onnx'), random);
    await writeFile(join(bad, 'random.npy'), random);
    await writeFile(join(bad, 'half.onnx'), (await readFile(DIGITS)).subarray(0, 13000));
    await writeFile(
      join(bad, 'shape.npy'),
      writeNpy({ dtype: 'float32', dims: [2, 1, 28, 27], data: new Float32Array(2 * 28 * 27) }),
    );
    const files = await readdir(bad);
    const result = await lowbit(...args(bad), '-o', join(bad, 'out.onnx'));
    expect(result.code, result.stderr).toBe(1);
    expect(result.stderr).toContain(code);
    expect(result.stdout).toBe('');
    expect(await readdir(bad)).toEqual(files);
  });

  it('leaves nothing behind when it is interrupted', async () => {
    const place = await mkdtemp(join(folder, 'interrupted-'));
    const many = join(folder, 'many.npy');
    await writeFile(
      many,
      writeNpy({ dtype: 'float32', dims: [20000, 1, 28, 28], data: new Float32Array(20000 * 28 * 28) }),
    );
    const child = start(['quantize', DIGITS, '-o', join(place, 'out.onnx'), '--calibrate', many]);
    await child.said('calibrate: 1/20000');
    child.kill('SIGINT');
    const { signal, stdout, stderr } = await child.finished;
    expect(stderr).toContain('ERR_ABORTED');
    expect([signal, stdout]).toEqual(['SIGINT', '']);
    expect(await readdir(place)).toEqual([]);
  });
});

describe('lowbit compare', () => {
  it('gives the promised fields', async () => {
    const { code, json } = await lowbitJson('compare', DIGITS, quantized, '--data', data, '--rounds', '5');
    expect(code).toBe(0);
    const bytes = (await readFile(quantized)).length;
    expect(json).toMatchObject({
      samples: 40,
      reference: { top1: null },
      candidate: { top1: null },
      agreement: expect.any(Number),
      sqnrDb: expect.any(Number),
      bytes: { reference: 26454, candidate: bytes },
      latencyMs: { reference: { median: expect.any(Number) }, candidate: { median: expect.any(Number) } },
      backend: 'native',
      isa: expect.any(String),
      threads: expect.any(Number),
    });
    expect(json['agreement']).toBeGreaterThanOrEqual(0.9);
    expect(json['sqnrDb']).toBeGreaterThan(25);
    expect((json['layers'] as unknown[]).length).toBeGreaterThan(2);
  });

  it('takes labels, as fractions of 1, and finds a model equal to itself', async () => {
    const { json: once } = await lowbitJson('run', DIGITS, '--data', data, '--output', join(folder, 'first'));
    expect(once).toHaveProperty('outputs');
    const labels: Record<string, number> = {};
    for (let i = 0; i < 4; i++) {
      await lowbit('run', DIGITS, '--data', data, '--index', String(i), '--output', join(folder, `run-${i}`));
      const { data: scores } = readNpy(await readFile(join(folder, `run-${i}`, 'Plus214_Output_0.npy')));
      const best = Array.from(scores as Float32Array).indexOf(Math.max(...(scores as Float32Array)));
      // One label of the four is wrong on purpose.
      labels[`four.npy#${i}`] = i === 3 ? (best + 1) % 10 : best;
    }
    const { data: images } = readNpy(await readFile(data));
    await writeFile(
      join(folder, 'four.npy'),
      writeNpy({ dtype: 'float32', dims: [4, 1, 28, 28], data: images.subarray(0, 4 * 784) as Float32Array }),
    );
    await writeFile(join(folder, 'labels.json'), JSON.stringify(labels));
    const args = ['--data', join(folder, 'four.npy'), '--labels', join(folder, 'labels.json'), '--rounds', '1'];
    const { json } = await lowbitJson('compare', DIGITS, DIGITS, ...args);
    expect(json).toMatchObject({ reference: { top1: 0.75 }, candidate: { top1: 0.75 }, agreement: 1, sqnrDb: null });
  });

  it('ends with 3 when a limit is not met, and prints the report all the same', async () => {
    const args = ['compare', DIGITS, quantized, '--data', data, '--rounds', '1', '--no-layers'];
    const missed = await lowbitJson(...args, '--max-size-ratio', '0.1', '--min-agreement', '.5');
    expect(missed.code).toBe(3);
    expect(missed.json).toMatchObject({
      samples: 40,
      limits: [
        { limit: 'minAgreement', wanted: 0.5, met: true },
        { limit: 'maxSizeRatio', wanted: 0.1, met: false },
      ],
    });
    const text = await lowbit(...args, '--min-sqnr', '500');
    expect(text.code).toBe(3);
    expect(text.stdout).toMatch(/minSqnr.*NOT MET/);
    expect((await lowbit(...args, '--min-sqnr', '10', '--max-size-ratio', '.5')).code).toBe(0);
    // A drop cannot be known without labels.
    expect((await lowbit(...args, '--max-drop', '1')).code).toBe(1);
  });
});

describe('lowbit run', () => {
  it('prints the hash of what it writes', async () => {
    const out = join(folder, 'run');
    const args = ['run', quantized, '--input', `Input3=${join(folder, 'one.npy')}`, '--output', out];
    const { code, json } = await lowbitJson(...args);
    expect(code).toBe(0);
    const { dtype, dims, data: scores } = readNpy(await readFile(join(out, 'Plus214_Output_0.npy')));
    const sha256 = createHash('sha256').update(new Uint8Array(scores.buffer)).digest('hex');
    expect(json).toMatchObject({ outputs: { Plus214_Output_0: { type: dtype, dims, sha256 } } });
    expect([dtype, dims]).toEqual(['float32', [1, 10]]);
    expect((await lowbit(...args)).code).toBe(1);
    expect((await lowbit(...args, '--force')).code).toBe(0);
    const same = await lowbitJson('run', quantized, '--data', data, '--index', '0');
    expect(same.json['outputs']).toEqual(json['outputs']);
  });

  it('gives the same bytes on every instruction set and on WebAssembly', async () => {
    const { json: info } = await lowbitJson('info');
    const targets = [
      ...(info['isas'] as string[]).map((isa) => ({ LOWBIT_BACKEND: 'native', LOWBIT_ISA: isa })),
      { LOWBIT_BACKEND: 'wasm' },
    ];
    const hashes = new Set<string>();
    for (const env of targets) {
      const { stdout, stderr, code } = await start(['run', quantized, '--data', data, '--json'], env).finished;
      expect(code, stderr).toBe(0);
      const report = JSON.parse(stdout) as { backend: string; outputs: Record<string, { sha256: string }> };
      expect(report.backend).toBe(env.LOWBIT_BACKEND);
      hashes.add(report.outputs['Plus214_Output_0']?.sha256 as string);
    }
    expect([...hashes]).toHaveLength(1);
  });

  it('names the feed that is wrong', async () => {
    const unknown = await lowbit('run', DIGITS, '--input', `image=${join(folder, 'one.npy')}`);
    expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringMatching(/ERR_BAD_FEED.*'image'.*'Input3'/s)]);
    const shape = join(folder, 'flat.npy');
    await writeFile(shape, writeNpy({ dtype: 'float32', dims: [784], data: new Float32Array(784) }));
    const flat = await lowbit('run', DIGITS, '--input', `Input3=${shape}`);
    expect([flat.code, flat.stderr]).toEqual([1, expect.stringMatching(/ERR_BAD_FEED.*\[784\].*\[1, 1, 28, 28\]/s)]);
  });
});

describe('lowbit bench', () => {
  it('gives the promised fields', async () => {
    const { code, json } = await lowbitJson('bench', quantized, '--rounds', '7', '--warm-up', '1');
    expect(code).toBe(0);
    expect(json).toMatchObject({
      latencyMs: { median: expect.any(Number), min: expect.any(Number), p95: expect.any(Number), rounds: 7 },
      backend: 'native',
      isa: expect.any(String),
      threads: expect.any(Number),
    });
  });

  it('measures kernels without a model', async () => {
    const { code, json } = await lowbitJson('bench', '--kernels', '--filter', 'softmax f32 1x1000', '--rounds', '1');
    expect(code).toBe(0);
    const row = { name: 'softmax f32', shape: '1x1000', limit: 'copy', medianMs: expect.any(Number) };
    expect(json).toMatchObject({ kernels: [row], backend: 'native', isa: expect.any(String) });
  });
});

describe('a model that is not supported', () => {
  it('ends with 4 and lists all its operators with their nodes', async () => {
    // The names of two operators in the file are overwritten with others of the same length.
    const bytes = Buffer.from(await readFile(DIGITS));
    const replaceAll = (from: string, to: string): void => {
      for (let at = bytes.indexOf(from); at >= 0; at = bytes.indexOf(from, at + 1)) bytes.write(to, at, 'latin1');
    };
    replaceAll('\x22\x07MaxPool', '\x22\x07MinPool');
    replaceAll('\x22\x04Relu', '\x22\x04Rely');
    const path = join(folder, 'unsupported.onnx');
    await writeFile(path, bytes);
    const { code, stderr } = await lowbit('run', path, '--data', data);
    expect(code).toBe(4);
    expect(stderr).toMatch(/ERR_UNSUPPORTED/);
    for (const word of ['MinPool', 'Rely', 'Pooling66', 'Pooling160', 'ReLU32', 'ReLU114'])
      expect(stderr).toContain(word);
    const out = join(folder, 'never.onnx');
    expect((await lowbit('quantize', path, '-o', out, '--calibrate', data)).code).toBe(4);
    await expect(readFile(out)).rejects.toThrow();
  });
});
