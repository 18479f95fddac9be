// The clang of the npm package @yowasp/clang: itself WebAssembly, over a tree of files in memory.
import { commands, Exit, runLLVM } from '@yowasp/clang';
import { COMPILE_FLAGS, linkFlags } from './sources.mjs';

const TARGET = '--target=wasm32-wasip1';

/** { 'a/b.h': bytes } as the nested object that the tools take. */
function treeOf(files) {
  const tree = {};
  for (const [path, bytes] of files) {
    const names = path.split('/');
    let directory = tree;
    for (const name of names.slice(0, -1)) directory = directory[name] ??= {};
    directory[names.at(-1)] = bytes;
  }
  return tree;
}

async function run(flags, files, output) {
  const said = [];
  const listen = (bytes) => bytes && said.push(bytes);
  const text = () => Buffer.concat(said).toString();
  try {
    // Loads the compiler from its package without a word: its driver would print a line per part.
    await runLLVM(null, {}, { fetchProgress: () => {} });
    const made = await commands['clang++'](flags, treeOf(files), { stdout: listen, stderr: listen });
    if (said.length > 0) process.stderr.write(text());
    return made[output];
  } catch (error) {
    if (!(error instanceof Exit)) throw error;
    throw new Error(`clang++ ${flags.join(' ')}\n${text()}`);
  }
}

/** One source as an object file. */
export function compile(path, files, variantFlags) {
  return run([TARGET, ...COMPILE_FLAGS, ...variantFlags, '-c', path, '-o', 'out.o'], files, 'out.o');
}

/** Objects as a module: a reactor, which the host initializes once and then calls. */
export function link(objects, { shared }) {
  const flags = [
    TARGET,
    '-mexec-model=reactor',
    ...linkFlags(shared),
    '-Wl,--strip-all',
    ...objects.keys(),
    '-o',
    'out.wasm',
  ];
  return run(flags, objects, 'out.wasm');
}
