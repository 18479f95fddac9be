// Pages that are printed from tables are as the tables say, and links between pages lead somewhere.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { files, read, root } from './tree.js';

test('printed pages are fresh', () => {
  const check = spawnSync(process.execPath, ['tools/docs.mjs', '--check'], { cwd: root, encoding: 'utf8' });
  expect(check.stderr).toBe('');
  expect(check.status).toBe(0);
});

test('links between pages lead to files', () => {
  const pages = files.filter((file) => file.endsWith('.md'));
  expect(pages.length).toBeGreaterThan(5);
  const broken = pages.flatMap((page) =>
    [...read(page).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)[^)]*\)/g)]
      .map((match) => path.join(path.dirname(page), match[1] as string))
      .filter((target) => !existsSync(path.join(root, target)))
      .map((target) => `${page}: ${target}`),
  );
  expect(broken).toEqual([]);
});

test('code that pages name in back quotes exists', () => {
  const pages = files.filter((file) => /^(README|CONTRIBUTING|docs\/.*)\.md$/.test(file) || file.endsWith('README.md'));
  const missing = pages.flatMap((page) =>
    [...read(page).matchAll(/`((?:src|native|test|tools|bench|wasm|docs|examples)\/[\w./-]+\w)`/g)]
      .map((match) => match[1] as string)
      .filter((target) => !existsSync(path.join(root, target)))
      .map((target) => `${page}: ${target}`),
  );
  expect(missing).toEqual([]);
});
