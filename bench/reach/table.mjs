// Rows of the table of goals: what was measured, against what, and whether it is enough.

const COLUMNS = ['what', 'threads', 'lowbit', 'against', 'its figure', 'ratio', 'wanted', ''];

/**
 * A measured row. `ours` and `theirs` are figures in `unit` (of a rate or a time), `ratio` how much better ours is, or the
 * part of `theirs` that ours reaches (`share`); `wanted` is the least ratio.
 */
export function rowOf({ what, threads = 1, ours, against, theirs, unit, ratio, wanted, share = false }) {
  return {
    what,
    threads,
    ours,
    against,
    theirs,
    unit,
    ratio,
    wanted,
    share,
    verdict: ratio >= wanted ? 'met' : 'missed',
  };
}

/** A row without a figure, and why there is none. */
export function absentRow({ what, threads = 1, against, wanted, share = false, reason }) {
  return { what, threads, against, wanted, share, verdict: reason };
}

export function tableOf(rows) {
  const lines = rows.map(({ what, threads, ours, against, theirs, unit, ratio, wanted, share, verdict }) => [
    ...[what, threads, figure(ours, unit), against, figure(theirs, unit)],
    ...[ratio === undefined ? '' : ratioText(ratio, share), ratioText(wanted, share), verdict],
  ]);
  return [COLUMNS, COLUMNS.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** '12 met, 3 missed, 1 without a figure' */
export function summaryOf(rows) {
  const count = (verdict) => rows.filter((row) => row.verdict === verdict).length;
  const [met, missed] = [count('met'), count('missed')];
  const rest = rows.length - met - missed;
  return `${met} met, ${missed} missed${rest === 0 ? '' : `, ${rest} without a figure`}`;
}

function figure(value, unit) {
  if (value === undefined) return '';
  return `${value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toPrecision(3)} ${unit}`;
}

function ratioText(ratio, share) {
  return share ? `${(100 * ratio).toFixed(1)} %` : `${ratio.toFixed(2)} x`;
}
