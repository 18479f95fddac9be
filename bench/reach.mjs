// What the kernels and networks are to reach, measured in one run and judged:
// `npm run bench:reach -- [--group NAME,…] [--only TEXT] [--rounds N] [--turn MS] [--shared DIR] [--json]`.
//
// Every row is a ratio taken in this process, turn about: against a peer on the same work, or against what this machine does
// at most. Results are checked before a figure is printed. One thread where a row does not say otherwise.

import os from 'node:os';
import { parseArgs } from 'node:util';
import { built } from './networks.mjs';
import { openContext } from './reach/context.mjs';
import { GROUPS } from './reach/groups.mjs';
import { summaryOf, tableOf } from './reach/table.mjs';

const { values: options } = parseArgs({
  options: {
    group: { type: 'string' },
    only: { type: 'string', default: '' },
    rounds: { type: 'string', default: '9' },
    turn: { type: 'string', default: '20' },
    shared: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const names = options.group?.split(',') ?? Object.keys(GROUPS);
const unknown = names.filter((name) => !Object.hasOwn(GROUPS, name));
if (unknown.length > 0) {
  console.error(`Unknown group ${unknown.join(', ')}; the groups are ${Object.keys(GROUPS).join(', ')}`);
  process.exit(2);
}
const { backendInfo } = await built('backend/load.js');
const settings = { rounds: Number(options.rounds), turnMs: Number(options.turn) };
const context = openContext({ settings, shared: options.shared });
const report = { ...backendInfo(context.backend), cpu: os.cpus()[0].model.trim(), node: process.version, rows: [] };
const say = options.json ? () => {} : (text) => console.log(text);

say(`${report.cpu}, Node ${report.node}, lowbit ${report.version}, ${report.isa}`);
for (const name of names) {
  const start = performance.now();
  const wanted = (await GROUPS[name]()).rows.filter(({ what }) => what.includes(options.only));
  const rows = [];
  for (const { what, measure } of wanted) {
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${name}: ${what} `);
    rows.push(...[await measure(context)].flat());
  }
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  if (rows.length === 0) continue;
  say(`\n${name}, ${((performance.now() - start) / 1000).toFixed(0)} s\n\n${tableOf(rows)}`);
  report.rows.push(...rows.map((row) => ({ group: name, ...row })));
}
say(`\n${summaryOf(report.rows)}`);
if (options.json) console.log(JSON.stringify(report, null, 2));
process.exit();
