// Types of what tests use of table.mjs.

interface Goal {
  readonly what: string;
  readonly threads?: number;
  readonly against: string;
  readonly wanted: number;
  readonly share?: boolean;
}

export interface Row extends Goal {
  readonly ours?: number;
  readonly theirs?: number;
  readonly unit?: string;
  readonly ratio?: number;
  readonly verdict: string;
}

export function rowOf(row: Goal & Required<Pick<Row, 'ours' | 'theirs' | 'unit' | 'ratio'>>): Row;
export function absentRow(row: Goal & { readonly reason: string }): Row;
export function tableOf(rows: readonly Row[]): string;
export function summaryOf(rows: readonly Row[]): string;
