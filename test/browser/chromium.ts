// A headless Chromium and a server of the repository's files: a page does one task and posts what came out.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');

const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.html': 'text/html',
  '.wasm': 'application/octet-stream',
};

/** A browser that is installed: CHROMIUM names one; otherwise the usual names are tried. */
export const chromium = [process.env['CHROMIUM'], 'chromium', 'chromium-browser', 'google-chrome'].find(
  (name) => name !== undefined && spawnSync(name, ['--version']).status === 0,
);

export interface Task {
  /** The library to import, a path of the repository. */
  readonly library: string;
  readonly task: string;
  /** Addresses of models: paths of the repository, or names of the files given to `openBrowser`. */
  readonly models: readonly string[];
  /** The WebAssembly module to initialize with; the package's choice by default. */
  readonly wasm?: string;
  /** Do it in a worker that the page starts. */
  readonly worker?: boolean;
  /** Headers of the page and of everything that it loads. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Browser {
  perform(task: Task): Promise<unknown>;
  close(): Promise<void>;
}

const IMPORT_MAP = {
  imports: {
    'onnxruntime-common': '/node_modules/onnxruntime-common/dist/esm/index.js',
    '@bufbuild/protobuf': '/node_modules/@bufbuild/protobuf/dist/esm/index.js',
    '@bufbuild/protobuf/wire': '/node_modules/@bufbuild/protobuf/dist/esm/wire/index.js',
    '@bufbuild/protobuf/wkt': '/node_modules/@bufbuild/protobuf/dist/esm/wkt/index.js',
  },
};

const WORKER = `import { probe } from '/test/browser/probe.mjs';
self.onmessage = ({ data }) => probe(data).then(
  (value) => self.postMessage({ value }), (error) => self.postMessage({ error: String(error?.stack ?? error) }));`;

function pageOf(number: number, { worker, headers: _, ...task }: Task): string {
  const started = worker
    ? `new Promise((done, fail) => {
        const worker = new Worker('/worker.mjs?${number}', { type: 'module' });
        worker.onmessage = ({ data }) => data.error ? fail(data.error) : done(data.value);
        worker.onerror = (event) => fail('the worker failed: ' + event.message);
        worker.postMessage(task);
      })`
    : `import('/test/browser/probe.mjs').then(({ probe }) => probe(task))`;
  return `<!doctype html><script type="importmap">${JSON.stringify(IMPORT_MAP)}</script><script type="module">
    const task = ${JSON.stringify(task)};
    const tell = (outcome) => fetch('/done/${number}', { method: 'POST', body: JSON.stringify(outcome) });
    (${started}).then((value) => tell({ value }), (error) => tell({ error: String(error?.stack ?? error) }));
  </script>`;
}

/** Starts the server; every task is a page in a fresh browser, so that none sees what another left. */
export async function openBrowser(files: ReadonlyMap<string, Uint8Array>, timeout: number): Promise<Browser> {
  const tasks: { readonly task: Task; readonly done: (body: string) => void }[] = [];

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const { pathname, search } = new URL(request.url ?? '/', 'http://localhost');
    const [, verb, last] = pathname.split('/');
    if (request.method === 'POST' && verb === 'done') {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part as Buffer);
      response.end();
      tasks[Number(last)]?.done(Buffer.concat(parts).toString());
      return;
    }
    const referrer = /\/page\/(\d+)/.exec(request.headers.referer ?? '')?.[1];
    const number = verb === 'page' ? last : verb === 'worker.mjs' ? search.slice(1) : referrer;
    const headers = tasks[Number(number)]?.task.headers ?? {};
    const send = (type: string, body: string | Uint8Array) =>
      response.writeHead(200, { 'Content-Type': type, ...headers }).end(body);
    if (verb === 'page') return send('text/html', pageOf(Number(last), (tasks[Number(last)] as { task: Task }).task));
    if (verb === 'worker.mjs') return send('text/javascript', WORKER);
    const given = files.get(pathname);
    if (given !== undefined) return send('application/octet-stream', given);
    const file = path.join(root, decodeURIComponent(pathname));
    try {
      if (!file.startsWith(`${root}${path.sep}`)) throw new Error('outside of the repository');
      return send(TYPES[path.extname(file)] ?? 'application/octet-stream', readFileSync(file));
    } catch {
      response.writeHead(404).end();
    }
  };
  const server: Server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;

  const perform = async (task: Task): Promise<unknown> => {
    const number = tasks.length;
    const profile = mkdtempSync(path.join(os.tmpdir(), 'lowbit-chromium-'));
    let child: ChildProcess | undefined;
    let timer: NodeJS.Timeout | undefined;
    const body = await new Promise<string>((done, fail) => {
      tasks.push({ task, done });
      child = start(`http://localhost:${port}/page/${number}`, profile);
      let said = '';
      child.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text));
      timer = setTimeout(() => fail(new Error(`The page said nothing in ${timeout} ms\n${said}`)), timeout);
      child.on('error', fail);
      child.on('exit', (code) => fail(new Error(`The browser ended with exit code ${code}\n${said}`)));
    }).finally(async () => {
      clearTimeout(timer);
      if (child !== undefined) await end(child);
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    });
    const outcome = JSON.parse(body) as { value?: unknown; error?: string };
    if (outcome.error !== undefined) throw new Error(`In the browser: ${outcome.error}`);
    return outcome.value;
  };
  return {
    perform,
    async close() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

function start(url: string, profile: string): ChildProcess {
  const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'];
  flags.push('--disable-background-networking', '--disable-component-update', '--disable-dev-shm-usage');
  return spawn(chromium as string, [...flags, `--user-data-dir=${profile}`, url], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, HOME: profile },
    // A group of its own, so that its many processes can be ended together.
    detached: true,
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.pid === undefined) return;
  const ended = new Promise((exit) => child.once('exit', exit));
  process.kill(-child.pid, 'SIGKILL');
  await ended;
}
