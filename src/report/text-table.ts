// Tables for people: aligned columns of text, and numbers as words.

export interface Column {
  readonly title: string;
  /** Default: left. */
  readonly align?: 'left' | 'right';
}

/** A table of lines without trailing spaces: a title row, a rule, the rows. */
export function textTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const widths = columns.map((column, i) => Math.max(column.title.length, ...rows.map((row) => (row[i] ?? '').length)));
  const line = (cells: readonly string[]): string =>
    columns
      .map(({ align }, i) => {
        const cell = cells[i] ?? '';
        return align === 'right' ? cell.padStart(widths[i] as number) : cell.padEnd(widths[i] as number);
      })
      .join('  ')
      .trimEnd();
  return [
    line(columns.map(({ title }) => title)),
    widths.map((width) => '-'.repeat(width)).join('  '),
    ...rows.map(line),
  ].join('\n');
}

/** A list of names and values, values aligned. */
export function textList(entries: readonly (readonly [name: string, value: string])[]): string {
  const width = Math.max(0, ...entries.map(([name]) => name.length));
  return entries.map(([name, value]) => `${name.padEnd(width)}  ${value}`.trimEnd()).join('\n');
}

/** 1234567 as '1.23 MB' (decimal units). */
export function bytesText(bytes: number): string {
  const units = ['kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 'B';
  // 999.5 and more would be printed as 1000 with three digits.
  for (let i = 0; i < units.length && value >= (unit === 'B' ? 1000 : 999.5); i++) {
    value /= 1000;
    unit = units[i] as string;
  }
  return `${unit === 'B' ? value : value.toPrecision(3)} ${unit}`;
}

/** 0.9125 as '91.25 %'; 'n/a' for null. */
export function percentText(fraction: number | null): string {
  return fraction === null ? 'n/a' : `${(100 * fraction).toFixed(2)} %`;
}

/** Milliseconds with three significant digits. */
export function millisecondsText(value: number): string {
  return `${value >= 1000 ? value.toFixed(0) : value.toPrecision(3)} ms`;
}

/** Decibels with one decimal. */
export function decibelsText(value: number): string {
  return `${value.toFixed(1)} dB`;
}
