// Prints the pages of docs/ that are made from tables: `node tools/docs.mjs` writes them, `--check` only compares.

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { at } from './root.mjs';

const pages = {
  'docs/cli.md': await cliPage(),
  'docs/errors.md': errorsPage(),
  'docs/kernels.md': kernelsPage(),
  'docs/operators.md': await operatorsPage(),
};

if (process.argv.includes('--check')) {
  const stale = Object.entries(pages).filter(
    ([file, text]) => !existsSync(at(file)) || readFileSync(at(file), 'utf8') !== text,
  );
  if (stale.length > 0) {
    console.error(`Not as the tables say: ${stale.map(([file]) => file).join(', ')}. Run npm run docs`);
    process.exit(1);
  }
} else {
  for (const [file, text] of Object.entries(pages)) writeFileSync(at(file), text);
}

/** Read from what was built: the table of commands is code. */
async function cliPage() {
  const { COMMANDS } = await import(pathToFileURL(at('dist/esm/cli/commands.js')).href);
  const escaped = (text) => text.replaceAll('|', '\\|');
  const sections = Object.entries(COMMANDS).map(([name, command]) => {
    const usage = ['lowbit', name, ...command.arguments.map((argument) => argument.name), '[options]'].join(' ');
    const options = [...command.options, { flags: '--json', description: 'print one JSON object' }];
    const rows = [
      ...command.arguments.map((argument) => `| \`${escaped(argument.name)}\` | ${escaped(argument.description)} |`),
      ...options.map(({ flags, description, required, repeat }) => {
        const notes = [...(required ? ['required'] : []), ...(repeat ? ['may be given several times'] : [])];
        const note = notes.length > 0 ? ` (${notes.join(', ')})` : '';
        return `| \`${escaped(flags)}\` | ${escaped(description)}${note} |`;
      }),
    ];
    const example = command.example.split('\n').map((line) => `    ${line}`);
    return [
      `## lowbit ${name}`,
      `${command.summary[0].toUpperCase()}${command.summary.slice(1)}.`,
      `    ${usage}`,
      `| | |\n|---|---|\n${rows.join('\n')}`,
      `Example:\n\n${example.join('\n')}`,
    ].join('\n\n');
  });
  return `# The command line

Printed by \`npm run docs\` from \`src/cli/commands.ts\`.

Results go to stdout, as text or with \`--json\` as one JSON object; progress and errors go to stderr. Exit codes: 0 done, 1 failed,
2 wrong usage, 3 a limit that you set was not met, 4 an unsupported model. No file is overwritten without \`--force\`, and none is
left half-written. \`LOWBIT_BACKEND\`, \`LOWBIT_ISA\` and \`LOWBIT_THREADS\` choose what runs; \`lowbit info\` says what that is.

${sections.join('\n\n')}
`;
}

function errorsPage() {
  const table = /export const ERROR_CODES = \{\n([\s\S]*?)\n\}/.exec(readFileSync(at('src/core/errors.ts'), 'utf8'));
  const codes = [...table[1].matchAll(/^ {2}(ERR_\w+): '(.*)',$/gm)];
  const statuses = [
    ...readFileSync(at('native/abi/status.inc'), 'utf8').matchAll(/^LOWBIT_STATUS\((\w+), (\d+), "(.*)"\)$/gm),
  ];
  return `# Errors

Printed by \`npm run docs\` from \`src/core/errors.ts\` and \`native/abi/status.inc\`.

Every failure is a \`LowbitError\`: \`code\` is one of the codes below and does not change between versions, \`message\` names
what was found, what was wanted and what to do, and \`place\` says where (\`file\`, \`offset\`, \`tensor\`, \`node\`, \`argument\`).

| code | meaning |
|---|---|
${codes.map(([, code, meaning]) => `| \`${code}\` | ${meaning} |`).join('\n')}

The command line ends with 0 when it is done, 1 when it failed, 2 for wrong usage (\`ERR_USAGE\`), 3 when a limit that the
user set was not met (\`ERR_LIMIT_NOT_MET\`), 4 for a model that is not supported (\`ERR_UNSUPPORTED\`).

## Status codes of the native code

The C ABI returns numbers; \`src/backend\` turns them into errors.

| number | name | meaning |
|---|---|---|
${statuses.map(([, name, number, sentence]) => `| ${number} | \`${name}\` | ${sentence} |`).join('\n')}
`;
}

/** Read from what was built: the tables of operators are code. */
async function operatorsPage() {
  const built = (file) => import(pathToFileURL(at(`dist/esm/${file}`)).href);
  const { LOWERING_TABLE } = await built('runtime/ops/table.js');
  const { LOWERINGS } = await built('passes/lower-qdq-operators.js');
  const { CODE_FUNCTIONS } = await built('passes/lower-qdq-unary.js');
  const { Q_OPERATORS } = await built('passes/lower-qoperator.js');
  const { STATIC_OPERATORS, DYNAMIC_OPERATORS } = await built('schemes/operators.js');
  const onCodes = new Set([...Object.keys(LOWERINGS), ...Object.keys(CODE_FUNCTIONS), 'Relu', 'Clip']);
  const mark = (holds) => (holds ? '●' : '');
  const standard = Object.keys(LOWERING_TABLE['']).sort();
  const rows = standard.map((name) => {
    const cells = [onCodes.has(name), Object.hasOwn(STATIC_OPERATORS, name), DYNAMIC_OPERATORS.includes(name)];
    return `| ${name} | ${cells.map(mark).join(' | ')} |`;
  });
  const contributed = [...Object.keys(LOWERING_TABLE['com.microsoft']), ...Object.keys(Q_OPERATORS['com.microsoft'])];
  return `# Operators

Printed by \`npm run docs\` from the tables in \`src/runtime/ops/table.ts\`, \`src/passes\` and \`src/schemes/operators.ts\`.

A session runs ${standard.length} operators of \`ai.onnx\`. *On codes*: between DequantizeLinear and QuantizeLinear it computes with
integers alone. *Static*, *dynamic*: \`lowbit quantize\` quantizes it that way; the others stay in float32. Constant, Dropout
(outside of training) and what only computes shapes disappear before a run. A type or an attribute that an operator does not
take is \`ERR_UNSUPPORTED\` when the model is loaded or its shapes become known, with the node's name.

| operator | on codes | static | dynamic |
|---|---|---|---|
${rows.join('\n')}

Of \`com.microsoft\`, what onnxruntime's quantization writes: ${contributed.sort().join(', ')}.

Attention of several heads, LayerNormalization and Gelu are recognized where they are spelled out in simpler operators, and run
as one. \`lowbit inspect\` prints the operators of a model.
`;
}

function kernelsPage() {
  const rows = [
    ...readFileSync(at('native/kernels/kernels.inc'), 'utf8').matchAll(
      /^LOWBIT_KERNEL\((\w+), \w+, (\w+), (\w+), (\d+), (\d+), (\d+)\)$/gm,
    ),
  ];
  const isas = [...readFileSync(at('native/isa/isa.inc'), 'utf8').matchAll(/^LOWBIT_ISA\((\w+), (\w+), (\d+), /gm)];
  const slots = [...new Set(rows.map(([, slot]) => slot))].sort();
  const cell = (slot, isa) => {
    const row = rows.find((candidate) => candidate[1] === slot && candidate[2] === isa);
    if (row === undefined) return '';
    return Number(row[4]) === 0 ? '●' : row.slice(4, 7).join('×');
  };
  const lines = slots.map((slot) => {
    const exactness = rows.find((row) => row[1] === slot)[3];
    return `| \`${slot}\` | ${exactness} | ${isas.map(([, isa]) => cell(slot, isa)).join(' | ')} |`;
  });
  return `# Kernels

Printed by \`npm run docs\` from \`native/kernels/kernels.inc\` and \`native/isa/isa.inc\`.

One row per kernel slot, one column per instruction set. A cell holds the register tile (rows×columns×depth) or ● where the
kernel has none. An empty cell falls to the next lower instruction set of the same architecture, and in the end to
\`portable\`. \`exact\` kernels give the same bytes everywhere; \`ulp\` kernels agree within a bound derived from their inputs.

| kernel | exactness | ${isas.map(([, isa]) => `\`${isa}\``).join(' | ')} |
|---|---|${isas.map(() => '---').join('|')}|
${lines.join('\n')}

## How each family works

Its tile and registers, why, what was tried, and the fraction of the machine's peak that was measured:

${essays().join('\n')}
`;
}

/** A line for each page of docs/kernels: its title, as a link. */
function essays() {
  const pages = readdirSync(at('docs/kernels')).filter((name) => name.endsWith('.md'));
  return pages.sort().map((name) => {
    const [, title] = /^# (.+)$/m.exec(readFileSync(at(`docs/kernels/${name}`), 'utf8'));
    return `* [${title}](kernels/${name})`;
  });
}
