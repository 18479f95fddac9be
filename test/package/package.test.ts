// The npm tarball: what is in it, and that a project which installs it can import, require, type-check and run it.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
  name: string;
  version: string;
  dependencies: Record<string, string>;
  scripts: Record<string, string>;
};
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
const addon = `prebuilds/${process.platform}-${process.arch}/lowbit.node`;

let work = '';
let consumer = '';
let packed: string[] = [];

/** Runs a program in the consumer's folder and returns its stdout; its words are in the failure. */
function inConsumer(program: string, ...args: string[]): string {
  // The variables of the suite must not decide what the consumer loads.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(LOWBIT_|npm_|NODE_OPTIONS|VITEST)/.test(name)),
  );
  const result = spawnSync(program, args, { cwd: consumer, encoding: 'utf8', env });
  expect(result.status, `${program} ${args.join(' ')}\n${result.stdout}\n${result.stderr}`).toBe(0);
  return result.stdout;
}

beforeAll(() => {
  work = mkdtempSync(path.join(os.tmpdir(), 'lowbit-package-'));
  execFileSync(process.execPath, ['tools/prebuild.mjs'], { cwd: root, stdio: 'pipe' });
  const [told] = JSON.parse(
    execFileSync(npm, ['pack', '--json', '--ignore-scripts', '--pack-destination', work], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  ) as { filename: string; files: { path: string }[] }[];
  packed = told?.files.map((file) => file.path) ?? [];

  consumer = path.join(work, 'consumer');
  mkdirSync(consumer);
  writeFileSync(path.join(consumer, 'package.json'), JSON.stringify({ name: 'consumer', private: true }));
  // The declared dependencies, and only those, come from here rather than from the network.
  const dependencies = Object.keys(manifest.dependencies).map((name) => path.join(root, 'node_modules', name));
  const install = [
    'install',
    '--offline',
    '--ignore-scripts',
    '--omit=optional',
    '--omit=peer',
    '--no-audit',
    '--no-fund',
  ];
  inConsumer(npm, ...install, path.join(work, told?.filename ?? ''), ...dependencies);
}, 120_000);

afterAll(() => rmSync(work, { recursive: true, force: true }));

describe('the tarball', () => {
  test('holds the library, the addon of this machine and the WebAssembly modules', () => {
    expect(packed).toEqual(
      expect.arrayContaining([
        'package.json',
        'README.md',
        'LICENSE',
        'CHANGELOG.md',
        'dist/esm/index.js',
        'dist/esm/index.d.ts',
        'dist/esm/cli/main.js',
        'dist/cjs/index.cjs',
        'dist/cjs/index.d.ts',
        'dist/cjs/package.json',
        'dist/browser/lowbit.js',
        'dist/wasm/lowbit-simd128.wasm',
        'dist/wasm/lowbit-relaxed.wasm',
        'dist/wasm/lowbit-simd128-threads.wasm',
        'dist/wasm/lowbit-relaxed-threads.wasm',
        addon,
      ]),
    );
  });

  test('holds nothing else', () => {
    const rest = packed.filter(
      (file) =>
        !/^(dist\/(esm|cjs|browser|wasm)|prebuilds)\/|^(package\.json|README\.md|LICENSE|CHANGELOG\.md)$/.test(file),
    );
    expect(rest).toEqual([]);
    expect(packed.filter((file) => /\.(cc|h|inc|gyp|onnx|map|test\.js|tsbuildinfo)$/.test(file))).toEqual([]);
  });

  test('runs nothing when it is installed', () => {
    const hooks = ['preinstall', 'install', 'postinstall', 'prepare', 'prepublish'];
    expect(hooks.filter((name) => Object.hasOwn(manifest.scripts, name))).toEqual([]);
    const installed = JSON.parse(readFileSync(path.join(consumer, 'node_modules/lowbit/package.json'), 'utf8')) as {
      gypfile: unknown;
    };
    expect(installed.gypfile).toBe(false);
  });
});

/** Prints what a quantize call gave and what ran. */
const CALL = `
  const codes = await quantize(Float32Array.of(-1, 0, 0.5, 100), { format: 'u8', scale: 0.5, zeroPoint: 3 });
  console.log(JSON.stringify({ codes: Array.from(codes), backend: backendInfo().backend }));`;

describe('a project that installs it', () => {
  const wanted = { codes: [1, 3, 4, 203], backend: 'native' };

  test('imports it', () => {
    writeFileSync(path.join(consumer, 'main.mjs'), `import { backendInfo, quantize } from 'lowbit';${CALL}`);
    expect(JSON.parse(inConsumer(process.execPath, 'main.mjs'))).toEqual(wanted);
  });

  test('requires it', () => {
    const body = `const { backendInfo, quantize } = require('lowbit');\n(async () => {${CALL}\n})();`;
    writeFileSync(path.join(consumer, 'main.cjs'), body);
    expect(JSON.parse(inConsumer(process.execPath, 'main.cjs'))).toEqual(wanted);
  });

  test.each(['import', 'require'])('runs on WebAssembly when asked to, after %s', (how) => {
    const file = how === 'import' ? 'wasm.mjs' : 'wasm.cjs';
    const load = how === 'import' ? `await import('lowbit')` : `require('lowbit')`;
    writeFileSync(
      path.join(consumer, file),
      `process.env.LOWBIT_BACKEND = 'wasm';
       (async () => { const { backendInfo, quantize } = ${load};${CALL} })();`,
    );
    expect(JSON.parse(inConsumer(process.execPath, file))).toEqual({ ...wanted, backend: 'wasm' });
  });

  test('bundles it for browsers, without anything of Node', () => {
    writeFileSync(
      path.join(consumer, 'page.js'),
      `import { InferenceSession } from 'lowbit';\nInferenceSession.create();`,
    );
    const { outputFiles, metafile, warnings } = buildSync({
      absWorkingDir: consumer,
      entryPoints: ['page.js'],
      bundle: true,
      platform: 'browser',
      format: 'esm',
      write: false,
      metafile: true,
      outdir: 'page',
    });
    expect(warnings).toEqual([]);
    expect(Object.keys(metafile.inputs).sort()).toEqual(['node_modules/lowbit/dist/browser/lowbit.js', 'page.js']);
    // A bundler that copies assets recognizes these words.
    for (const name of ['relaxed', 'relaxed-threads', 'simd128', 'simd128-threads']) {
      expect(outputFiles[0]?.text).toContain(`new URL("../wasm/lowbit-${name}.wasm", import.meta.url)`);
    }
  });

  test('has the command', () => {
    expect(inConsumer(process.execPath, 'node_modules/lowbit/dist/esm/cli/main.js', '--version').trim()).toBe(
      manifest.version,
    );
    expect(readFileSync(path.join(consumer, 'node_modules/lowbit/dist/esm/cli/main.js'), 'utf8')).toMatch(
      /^#!\/usr\/bin\/env node\n/,
    );
  });

  test('type-checks as ESM and as CommonJS, declarations included', () => {
    const body = `
      export async function main(): Promise<number> {
        const session: InferenceSession = await InferenceSession.create(new Uint8Array(0));
        const results = await session.run({ x: new Tensor('float32', new Float32Array(3), [3]) });
        const codes = await quantize(new Float32Array(4), { format: 'u8', scale: 0.5, zeroPoint: 3 });
        // @ts-expect-error: a format that is not known
        await quantize(new Float32Array(4), { format: 'u9', scale: 0.5 });
        const error: unknown = new LowbitError('ERR_IO', 'x');
        await session.dispose();
        return codes.length + Object.keys(results).length + (error instanceof LowbitError ? error.code.length : 0);
      }\n`;
    const names = '{ InferenceSession, LowbitError, quantize, Tensor }';
    writeFileSync(path.join(consumer, 'types.mts'), `import ${names} from 'lowbit';${body}`);
    writeFileSync(path.join(consumer, 'types.cts'), `import ${names} from 'lowbit';${body}`);
    const options = {
      module: 'nodenext',
      target: 'es2023',
      lib: ['es2023', 'esnext.disposable', 'dom'],
      strict: true,
      noEmit: true,
      skipLibCheck: false,
      types: [],
    };
    writeFileSync(
      path.join(consumer, 'tsconfig.json'),
      JSON.stringify({ compilerOptions: options, files: ['types.mts', 'types.cts'] }),
    );
    inConsumer(process.execPath, path.join(root, 'node_modules/typescript/bin/tsc'), '-p', '.');
  });
});
