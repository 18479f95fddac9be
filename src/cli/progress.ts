// Progress for people, on stderr: a bar that redraws itself on a terminal, plain lines elsewhere.

/** Where progress goes; process.stderr is one. */
export interface ProgressStream {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

export interface Progress {
  /** `done` of `total` steps of a stage; a stage ends when they are equal. */
  update(stage: string, done: number, total: number): void;
  /** Removes the bar, so that other text can follow. */
  clear(): void;
}

const BAR_WIDTH = 24;
/** A terminal is redrawn at most this often. */
const REDRAW_MS = 80;
/** A log gets a line per stage when it begins and ends, and one this often in between. */
const LINE_MS = 5000;

export function createProgress(stream: ProgressStream, now: () => number = () => performance.now()): Progress {
  return stream.isTTY === true ? terminalProgress(stream, now) : lineProgress(stream, now);
}

function terminalProgress(stream: ProgressStream, now: () => number): Progress {
  let drawn = Number.NEGATIVE_INFINITY;
  let shown = false;
  const clear = (): void => {
    if (shown) stream.write('\r\x1b[K');
    shown = false;
  };
  return {
    clear,
    update(stage, done, total) {
      if (done >= total) {
        clear();
        return;
      }
      if (now() - drawn < REDRAW_MS) return;
      drawn = now();
      shown = true;
      const filled = total > 0 ? Math.round((BAR_WIDTH * done) / total) : 0;
      const bar = '#'.repeat(filled) + '-'.repeat(BAR_WIDTH - filled);
      const text = `${stage} [${bar}] ${done}/${total}`;
      stream.write(`\r${text.slice(0, Math.max(1, (stream.columns ?? 80) - 1))}\x1b[K`);
    },
  };
}

function lineProgress(stream: ProgressStream, now: () => number): Progress {
  let last: { stage: string; at: number } | undefined;
  return {
    clear: () => undefined,
    update(stage, done, total) {
      const begins = last?.stage !== stage;
      if (!begins && done < total && now() - (last?.at ?? 0) < LINE_MS) return;
      last = { stage, at: now() };
      stream.write(`${stage}: ${done}/${total}\n`);
    },
  };
}
