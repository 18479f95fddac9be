// Emscripten's compiler, when it is on PATH. Only its clang and wasm-ld are used, none of its JavaScript.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { COMPILE_FLAGS, linkFlags, ROOT, VARIANTS } from './sources.mjs';

/** A program that only a compiler with the final relaxed SIMD instructions translates. */
const PROBE = `#include <wasm_simd128.h>
extern "C" v128_t probe(v128_t a, v128_t b, v128_t c) { return wasm_i32x4_relaxed_dot_i8x16_i7x16_add(a, b, c); }
`;

const shell = process.platform === 'win32';

/** Its version line and the variants that it can build (its threads want its own JavaScript), or undefined. LOWBIT_EMCC=0 does as if there were none. */
export function findEmcc() {
  if (process.env.LOWBIT_EMCC === '0') return undefined;
  const found = spawnSync('emcc', ['--version'], { encoding: 'utf8', shell });
  if (found.status !== 0) return undefined;
  const version = found.stdout.split('\n')[0].trim();
  const relaxed = canCompile(PROBE, VARIANTS.relaxed.flags);
  const usable = ({ flags, shared }) => !shared && (relaxed || flags !== VARIANTS.relaxed.flags);
  const variants = Object.keys(VARIANTS).filter((variant) => usable(VARIANTS[variant]));
  return { version, variants };
}

function canCompile(text, flags) {
  return inTemporary((directory) => {
    writeFileSync(join(directory, 'probe.cc'), text);
    const args = [...flags, '-c', join(directory, 'probe.cc'), '-o', join(directory, 'probe.o')];
    return spawnSync('em++', args, { shell }).status === 0;
  });
}

function inTemporary(work) {
  const directory = mkdtempSync(join(tmpdir(), 'lowbit-'));
  try {
    return work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** One source of the repository as an object file. */
export function compile(path, _files, variantFlags) {
  return inTemporary((directory) => {
    const object = join(directory, 'out.o');
    execFileSync('em++', [...COMPILE_FLAGS, ...variantFlags, '-c', path, '-o', object], {
      cwd: ROOT,
      stdio: 'inherit',
      shell,
    });
    return readFileSync(object);
  });
}

/** Objects as a module of its own: no JavaScript beside it, no allocator, nothing to import. */
export function link(objects, { flags: variantFlags, shared }) {
  return inTemporary((directory) => {
    const files = [...objects].map(([name, bytes]) => {
      const file = join(directory, name);
      writeFileSync(file, bytes);
      return file;
    });
    const module = join(directory, 'out.wasm');
    const settings = [
      '-sSTANDALONE_WASM=1',
      '-sMALLOC=none',
      '-sALLOW_MEMORY_GROWTH=1',
      '-sMAXIMUM_MEMORY=4GB',
      '-sFILESYSTEM=0',
    ];
    // The level decides which build of the C library is linked: memcpy at -O0 copies byte by byte.
    const flags = ['-O2', ...variantFlags, '--no-entry', ...settings, ...linkFlags(shared)];
    execFileSync('em++', [...flags, ...files, '-o', module], { stdio: 'inherit', shell });
    return readFileSync(module);
  });
}
