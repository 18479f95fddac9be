// `lowbit info`: what runs here.

import { arch, cpus, platform } from 'node:os';
import { loadBackend } from '../../backend/load.js';
import { textList } from '../../report/text-table.js';
import type { CommandRow } from '../command.js';
import { environment } from '../environment.js';

export const infoCommand: CommandRow = {
  summary: 'print the backend, its instruction sets and threads, and the machine',
  arguments: [],
  options: [],
  example: 'LOWBIT_ISA=x86_avx2 lowbit info',
  async run() {
    const { isas } = loadBackend();
    const json = {
      ...environment(),
      isas,
      node: process.versions.node,
      platform: `${platform()}-${arch()}`,
      cpu: cpus()[0]?.model.trim() ?? 'unknown',
      cores: cpus().length,
    };
    const text = textList([
      ['lowbit', json.version],
      ['backend', json.backend],
      ['isa', json.isa],
      ['usable isas', isas.join(', ')],
      ['threads', String(json.threads)],
      ['node', `${json.node}, ${json.platform}`],
      ['cpu', `${json.cpu}, ${json.cores} cores`],
    ]);
    return { json, text };
  },
};
