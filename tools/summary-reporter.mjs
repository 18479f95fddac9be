// A vitest reporter that writes what the last lines of a test run need: counts, and why tests were skipped.

import { writeFileSync } from 'node:fs';

// vitest asks for a class as the default export of a reporter's module.
export default class SummaryReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const summary = { passed: 0, failed: unhandledErrors.length, skipped: 0, places: {} };
    for (const module of modules) {
      // A file that could not be collected has no tests that could fail.
      if (module.errors().length > 0) summary.failed += module.errors().length;
      for (const suite of module.children.allSuites()) summary.failed += suite.errors().length;
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === 'passed') summary.passed++;
        else if (result.state === 'failed') summary.failed++;
        else {
          summary.skipped++;
          const place = (summary.places[module.relativeModuleId] ??= { count: 0, reasons: [] });
          place.count++;
          const reason = result.note ?? outermostName(test);
          if (!place.reasons.includes(reason)) place.reasons.push(reason);
        }
      }
    }
    writeFileSync(process.env.LOWBIT_TEST_SUMMARY, JSON.stringify(summary));
  }
}

function outermostName(test) {
  let place = test;
  while (place.parent.type === 'suite') place = place.parent;
  return place.name;
}
