// What a page or a worker is asked to do with the package; it gives back plain data. Runs in the browser.

/** Times that something is tried again which a busy machine may be too late for. */
const MANY = 200;

/** Numbers in [-1, 1) that every engine makes alike. */
export function pixels(length) {
  return Float32Array.from({ length }, (_, i) => (Math.imul(i + 1, 0x9e3779b1) >> 8) / 2 ** 23);
}

async function sha256(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The code of the LowbitError that a call ends in, with its message; anything else is thrown on. */
async function refusal(lowbit, call) {
  try {
    await call();
  } catch (error) {
    if (error instanceof lowbit.LowbitError) return { code: error.code, message: error.message };
    throw error;
  }
  return { code: 'none', message: '' };
}

async function bytesOf(url) {
  return new Uint8Array(await (await fetch(url)).arrayBuffer());
}

/** Feeds of a model with one input. */
function feedsOf(lowbit, session) {
  const [{ name, shape }] = session.inputMetadata;
  const dims = shape.map((dim) => (typeof dim === 'number' ? dim : 1));
  const length = dims.reduce((product, dim) => product * dim, 1);
  return { [name]: new lowbit.Tensor('float32', pixels(length), dims) };
}

/** Hashes of all outputs of a model in memory, asynchronous and synchronous. */
async function hashes(lowbit, url) {
  const session = await lowbit.InferenceSession.create(await bytesOf(url));
  const feeds = feedsOf(lowbit, session);
  const of = (results) => Promise.all(session.outputNames.map((output) => sha256(results[output].data)));
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  const run = await of(await session.run(feeds));
  // A busy machine may be late with its timers; a page that is blocked during runs never gets to them.
  for (let again = 0; ticks === 0 && again < MANY; again++) await session.run(feeds);
  clearInterval(timer);
  const sync = await of(session.runSync(feeds));
  session.dispose();
  const { threads } = await lowbit.initialize();
  return { run, sync, ticks, threads };
}

/** Aborts a run that is under way, then runs again. */
async function aborted(lowbit, url) {
  const session = await lowbit.InferenceSession.create(await bytesOf(url));
  const feeds = feedsOf(lowbit, session);
  const underWay = () => {
    const controller = new AbortController();
    const run = session.run(feeds, { signal: controller.signal });
    // By then the worker has it.
    setTimeout(() => controller.abort(), 0);
    return run;
  };
  // Where the timer is late the run ends first: try again.
  let refused = await refusal(lowbit, underWay);
  for (let again = 0; refused.code === 'none' && again < MANY; again++) refused = await refusal(lowbit, underWay);
  const progress = [];
  await session.run(feeds, { onProgress: (done, total) => progress.push([done, total]) });
  session.dispose();
  return { code: refused.code, last: progress.at(-1) };
}

const TASKS = {
  hashes: (lowbit, models) => Promise.all(models.map((url) => hashes(lowbit, url))),
  aborted: (lowbit, [url]) => aborted(lowbit, url),

  async refusals(lowbit, [url]) {
    const codes = () =>
      lowbit.quantizeSync(Float32Array.of(-1, 0, 0.5, 100), { format: 'u8', scale: 0.5, zeroPoint: 3 });
    const early = await refusal(lowbit, codes);
    const unreachable = await refusal(lowbit, () => lowbit.initialize({ wasm: '/nowhere.wasm' }));
    const info = await lowbit.initialize();
    return {
      early,
      unreachable,
      info,
      codes: Array.from(codes()),
      path: await refusal(lowbit, () => lowbit.InferenceSession.create(url)),
      address: await refusal(lowbit, () => lowbit.InferenceSession.create(new URL(url, location.href))),
      native: await refusal(lowbit, async () =>
        lowbit.InferenceSession.create(await bytesOf(url), { backend: 'native' }),
      ),
      folder: await refusal(lowbit, () => lowbit.openDataset('/photos', {})),
      damaged: await refusal(lowbit, () => lowbit.InferenceSession.create(Uint8Array.of(1, 2, 3))),
    };
  },

  /** Where the page's policy forbids the worker. */
  async withoutWorker(lowbit, models) {
    const warnings = [];
    console.warn = (text) => warnings.push(text);
    return { warnings, results: await TASKS.hashes(lowbit, models) };
  },

  /** The page of examples/browser, as far as it says what ran. */
  async example() {
    const frame = document.createElement('iframe');
    frame.src = '/examples/browser/index.html';
    document.documentElement.append(frame);
    for (;;) {
      await new Promise((later) => setTimeout(later, 50));
      const names = [...(frame.contentDocument?.querySelectorAll('dt') ?? [])];
      if (names.length > 0) {
        return Object.fromEntries(names.map((name) => [name.textContent, name.nextElementSibling.textContent]));
      }
    }
  },

  async quantized(lowbit, [url]) {
    await lowbit.initialize();
    const samples = [0, 1].map((index) => ({
      name: String(index),
      data: pixels(784 * (index + 1)).subarray(784 * index),
      dims: [1, 1, 28, 28],
    }));
    const { bytes } = await lowbit.quantizeModel(await bytesOf(url), { dataset: lowbit.datasetOf(samples) });
    return sha256(bytes);
  },
};

/** Does one task with the library at `library`. */
export async function probe({ library, task, models, wasm }) {
  const lowbit = await import(library);
  if (wasm !== undefined) await lowbit.initialize({ wasm });
  return TASKS[task](lowbit, models);
}
