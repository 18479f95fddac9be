// Puts the addon of this machine where the package looks for it: prebuilds/<platform>-<arch>/lowbit.node.

import { copyFileSync, mkdirSync } from 'node:fs';
import { at, run } from './root.mjs';

run(process.execPath, ['tools/build.mjs', 'native']);
const directory = `prebuilds/${process.platform}-${process.arch}`;
mkdirSync(at(directory), { recursive: true });
copyFileSync(at('build/Release/lowbit.node'), at(directory, 'lowbit.node'));
console.log(`${directory}/lowbit.node`);
