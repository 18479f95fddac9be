// The kernel tests on an addon that was built with AddressSanitizer and UndefinedBehaviorSanitizer.
// Arguments: the test files to run (default: test/kernels).

import { at, bin, filesBelow, ifChanged, output, run, tryRun } from './root.mjs';

const ADDON = 'build-sanitize/Release/lowbit.node';

const compiler = process.env.CXX ?? 'g++';
const runtime = output(compiler, ['-print-file-name=libasan.so'])?.trim();
const missing = [
  ...(process.platform === 'linux' ? [] : ['Linux']),
  ...(output('cmake', ['--version']) === undefined ? ['cmake'] : []),
  ...(runtime?.includes('/') ? [] : [`the AddressSanitizer library of ${compiler}`]),
];
if (missing.length > 0) {
  console.log(`The sanitizer tests were left out: this machine has no ${missing.join(', no ')}\n\n0 passed, 0 failed`);
  process.exit(0);
}

await ifChanged('sanitize', filesBelow('native', 'CMakeLists.txt'), [ADDON], () => {
  const options = ['compile', '-O', 'build-sanitize', '--CDLOWBIT_SANITIZE=address,undefined'];
  run(process.execPath, [bin('cmake-js', 'bin/cmake-js'), ...options]);
});
if (!output('nm', ['-D', at(ADDON)])?.includes('__asan_init')) {
  console.error(`${ADDON} was not built with AddressSanitizer`);
  process.exit(1);
}
// Node itself was not built with the sanitizers: their runtime must be there before it, and leaks of its own are not ours.
const places = process.argv.slice(2);
const status = tryRun(process.execPath, ['tools/test.mjs', ...(places.length > 0 ? places : ['test/kernels'])], {
  env: {
    LD_PRELOAD: `${runtime} ${output(compiler, ['-print-file-name=libubsan.so'])?.trim()}`,
    ASAN_OPTIONS: 'detect_leaks=0:abort_on_error=1:allocator_may_return_null=1',
    UBSAN_OPTIONS: 'print_stacktrace=1:halt_on_error=1',
    LOWBIT_ADDON: at(ADDON),
  },
});
process.exit(status);
