// Builds dist/wasm/lowbit-<variant>.wasm from the addon's C++, with emcc when it is on PATH, else with the clang of
// @yowasp/clang. Objects are kept in build/wasm by the hash of what they are made of.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { findEmcc } from './emcc.mjs';
import { COMPILE_FLAGS, flagsOf, hashOf, includedBy, linkFlags, nativeFiles, ROOT, VARIANTS } from './sources.mjs';

const CACHE = `${ROOT}build/wasm`;
const OUTPUT = `${ROOT}dist/wasm`;

if (isMainThread) await main();
else await compileAsTold();

async function main() {
  const emcc = findEmcc();
  try {
    await build(emcc);
  } catch (error) {
    if (emcc === undefined) throw error;
    const reason = error.message.split('\n')[0].slice(0, 200);
    console.warn(`wasm: ${emcc.version} could not build the modules (${reason}); trying @yowasp/clang`);
    await build(undefined);
  }
}

async function build(emcc) {
  const { sources, headers } = nativeFiles();
  mkdirSync(CACHE, { recursive: true });
  mkdirSync(OUTPUT, { recursive: true });
  const toolchain = emcc?.version ?? yowaspVersion();
  const scripts = ['clang.mjs', 'emcc.mjs', 'sources.mjs'].map((name) => readFileSync(`${ROOT}wasm/${name}`));
  const common = hashOf(toolchain, ...scripts);
  const jobs = new Map();
  const objects = new Map();
  for (const variant of Object.keys(VARIANTS)) {
    const usesEmcc = emcc?.variants.includes(variant) ?? false;
    const list = [...sources].map(([path, bytes]) => {
      const included = includedBy(bytes, headers).flatMap((name) => [name, headers.get(name)]);
      const flags = flagsOf(variant, path);
      const object = `${hashOf(common, String(usesEmcc), ...COMPILE_FLAGS, ...flags, path, bytes, ...included)}.o`;
      if (!existsSync(`${CACHE}/${object}`)) jobs.set(object, { path, object, flags, usesEmcc });
      return [path, object];
    });
    objects.set(variant, { usesEmcc, list });
  }
  await compileAll(jobs.values(), emcc);
  for (const [variant, { usesEmcc, list }] of objects) await linkVariant(variant, usesEmcc ? emcc : undefined, list);
  const used = new Set([...objects.values()].flatMap(({ list }) => list.map(([, object]) => object)));
  for (const name of readdirSync(CACHE)) if (!used.has(name) && name.endsWith('.o')) rmSync(`${CACHE}/${name}`);
}

function yowaspVersion() {
  const manifest = new URL('../node_modules/@yowasp/clang/package.json', import.meta.url);
  return `@yowasp/clang ${JSON.parse(readFileSync(manifest, 'utf8')).version}`;
}

/** Compiles what is missing, on as many threads as there are processors (each holds a compiler of about 500 MB). */
async function compileAll(jobs, emcc) {
  const queue = [...jobs];
  const threads = Math.min(queue.length, availableParallelism(), 4);
  if (queue.length > 0) console.log(`wasm: compiling ${queue.length} files with ${emcc?.version ?? yowaspVersion()}`);
  await Promise.all(
    Array.from(
      { length: threads },
      () =>
        new Promise((resolve, reject) => {
          const worker = new Worker(fileURLToPath(import.meta.url), { workerData: { emcc } });
          const next = () => {
            const job = queue.shift();
            if (job === undefined) worker.terminate().then(resolve);
            else worker.postMessage(job);
          };
          worker.on('message', next);
          worker.on('error', reject);
        }),
    ),
  );
}

/** A worker: 'ready', then one message per job that is done. */
async function compileAsTold() {
  const { sources, headers } = nativeFiles();
  parentPort.on('message', async ({ path, object, flags, usesEmcc }) => {
    const { compile } = await (usesEmcc ? import('./emcc.mjs') : import('./clang.mjs'));
    const bytes = await compile(path, new Map([...headers, [path, sources.get(path)]]), flags, workerData.emcc);
    writeWhole(`${CACHE}/${object}`, bytes);
    parentPort.postMessage('done');
  });
  parentPort.postMessage('ready');
}

async function linkVariant(variant, emcc, list) {
  const file = `${OUTPUT}/lowbit-${variant}.wasm`;
  const stamp = `${CACHE}/${variant}.stamp`;
  const wanted = hashOf(...list.flat(), ...linkFlags(VARIANTS[variant].shared));
  if (existsSync(file) && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  const { link } = await (emcc === undefined ? import('./clang.mjs') : import('./emcc.mjs'));
  const objects = new Map(list.map(([, object]) => [object, readFileSync(`${CACHE}/${object}`)]));
  const bytes = await link(objects, VARIANTS[variant]);
  const imports = importsOf(bytes, variant);
  const known = VARIANTS[variant].shared ? 'env.memory' : '';
  if (imports !== undefined && imports.join(', ') !== known) {
    throw new Error(`lowbit-${variant}.wasm must import '${known}' but wants '${imports.join(', ')}'`);
  }
  writeWhole(file, bytes);
  writeWhole(stamp, wanted);
  console.log(`wasm: lowbit-${variant}.wasm, ${bytes.length} bytes`);
}

/** Engines that lack relaxed SIMD cannot read the imports of its variants; the others have the same sources. */
function importsOf(bytes, variant) {
  if (!WebAssembly.validate(bytes)) {
    if (!variant.startsWith('relaxed')) throw new Error(`lowbit-${variant}.wasm is not a valid module`);
    return undefined;
  }
  return WebAssembly.Module.imports(new WebAssembly.Module(bytes)).map(({ module, name }) => `${module}.${name}`);
}

/** Beside first, then renamed: a build that was stopped leaves no half file. */
function writeWhole(file, bytes) {
  const beside = `${file}.${process.pid}.tmp`;
  writeFileSync(beside, bytes);
  renameSync(beside, file);
}
