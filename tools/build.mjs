// Builds what its arguments name (native, wasm, ts; all of them without arguments), and only what changed.

import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build as bundle } from 'esbuild';
import { at, bin, filesBelow, ifChanged, run } from './root.mjs';

/** The stages in their order: the files that each reads, one file of what it makes, and how. */
const STAGES = {
  native: {
    inputs: ['native', 'binding.gyp', 'tools/build.mjs'],
    outputs: ['build/Release/lowbit.node'],
    make: buildNative,
  },
  wasm: {
    inputs: ['native', 'wasm'],
    outputs: ['simd128', 'relaxed', 'simd128-threads', 'relaxed-threads'].map(
      (name) => `dist/wasm/lowbit-${name}.wasm`,
    ),
    make: () => run(process.execPath, ['wasm/build.mjs']),
  },
  ts: {
    inputs: ['src', 'package.json', 'tsconfig.json', 'tsconfig.build.json', 'tools/build.mjs'],
    outputs: [
      'dist/esm/index.js',
      'dist/esm/index.d.ts',
      'dist/cjs/index.cjs',
      'dist/cjs/package.json',
      'dist/browser/lowbit.js',
    ],
    make: buildTypeScript,
  },
};

const names = process.argv.slice(2);
const unknown = names.filter((name) => !Object.hasOwn(STAGES, name));
if (unknown.length > 0) {
  console.error(`Unknown stage ${unknown.join(', ')}; the stages are ${Object.keys(STAGES).join(', ')}`);
  process.exit(2);
}
for (const [name, stage] of Object.entries(STAGES)) {
  if (names.length > 0 && !names.includes(name)) continue;
  await ifChanged(name, filesBelow(...stage.inputs), stage.outputs, stage.make);
}

/**
 * The addon through node-gyp. Headers that were installed beside this Node are used where they are, so that nothing is
 * downloaded; node-gyp fetches them where they are not.
 */
function buildNative() {
  const prefix = path.resolve(path.dirname(process.execPath), '..');
  const headers = existsSync(path.join(prefix, 'include', 'node', 'common.gypi')) ? [`--nodedir=${prefix}`] : [];
  const gyp = bin('node-gyp', 'bin/node-gyp.js');
  run(process.execPath, [gyp, 'configure', 'build', '--release', '-j', 'max', '--loglevel=warn', ...headers]);
}

/**
 * ESM and its declarations through tsc, then one CommonJS file of the same code with a copy of the declarations, and one
 * module for browsers with the dependencies in it.
 */
async function buildTypeScript() {
  // What tsc wrote from a file that is gone must not stay in the package: start over when the tree lost a file.
  const sources = new Set(filesBelow('src').map((file) => file.replace(/^src\//, '').replace(/\.ts$/, '')));
  const stale = filesBelow('dist/esm').some(
    (file) => !sources.has(file.replace(/^dist\/esm\//, '').replace(/(\.d)?\.[jt]s$/, '')),
  );
  if (stale || !existsSync(at('dist/esm/index.js'))) {
    rmSync(at('dist/esm'), { recursive: true, force: true });
    rmSync(at('build/stamps/esm.tsbuildinfo'), { force: true });
  }
  run(process.execPath, [bin('typescript', 'bin/tsc'), '-p', 'tsconfig.build.json']);

  rmSync(at('dist/cjs'), { recursive: true, force: true });
  await bundle({
    entryPoints: [at('dist/esm/index.js')],
    outfile: at('dist/cjs/index.cjs'),
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    packages: 'external',
    logLevel: 'warning',
    banner: { js: '// The whole library as one CommonJS file; made from dist/esm.' },
    plugins: [{ name: 'module-urls', setup: keepModuleUrls }],
  });
  mkdirSync(at('dist/cjs'), { recursive: true });
  for (const file of filesBelow('dist/esm').filter((name) => name.endsWith('.d.ts'))) {
    cpSync(at(file), at(file.replace('dist/esm', 'dist/cjs')));
  }
  writeFileSync(at('dist/cjs/package.json'), '{ "type": "commonjs" }\n');

  rmSync(at('dist/browser'), { recursive: true, force: true });
  await bundle({
    entryPoints: [at('dist/esm/index.js')],
    outfile: at('dist/browser/lowbit.js'),
    bundle: true,
    platform: 'browser',
    target: 'es2022',
    format: 'esm',
    minify: true,
    logLevel: 'warning',
    banner: { js: '// The whole library as one module for browsers, dependencies included; made from dist/esm.' },
    plugins: [{ name: 'for-browsers', setup: adaptToBrowsers }],
  });
}

/**
 * Inside the CommonJS bundle `import.meta.url` of a module stays the URL of that module's file in dist/esm, which is in
 * the package too: what a module finds relative to itself (the addon, the WebAssembly module, a worker's file) is the same
 * for both kinds of caller.
 */
function keepModuleUrls(build) {
  build.onLoad({ filter: /\.js$/ }, ({ path: file }) => {
    const fromBundle = path.relative(at('dist/cjs'), file).split(path.sep).join('/');
    if (!fromBundle.startsWith('../esm/')) return undefined;
    const url = `require('node:url').pathToFileURL(require('node:path').join(__dirname, ${JSON.stringify(fromBundle)})).href`;
    return { contents: readFileSync(file, 'utf8').replaceAll('import.meta.url', url), loader: 'js' };
  });
}

/**
 * The WebAssembly modules are one folder nearer to dist/browser than to dist/esm/backend, and bundlers read the words of
 * their addresses as they are. sharp decodes images in Node only; nobody's bundler should look for it.
 */
function adaptToBrowsers(build) {
  build.onResolve({ filter: /^sharp$/ }, ({ path: name }) => ({ path: name, namespace: 'absent' }));
  build.onLoad({ filter: /./, namespace: 'absent' }, ({ path: name }) => {
    return { contents: `throw new Error('${name} does not run in browsers');` };
  });
  build.onLoad({ filter: /backend[\\/]fetch\.js$/ }, ({ path: file }) => {
    return { contents: readFileSync(file, 'utf8').replaceAll("'../../wasm/", "'../wasm/"), loader: 'js' };
  });
}
