// Turns vitest's JSON report into the closing line and the exit code.
import { readFileSync } from "node:fs";

const [report, status] = process.argv.slice(2);
let totals = { passed: 0, failed: 0, skipped: 0 };
try {
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests } = JSON.parse(
    readFileSync(report, "utf8"),
  );
  totals = { passed: numPassedTests, failed: numFailedTests, skipped: numPendingTests + numTodoTests };
} catch (error) {
  console.log(`no test report: ${error.message}`);
}
// A failed check or build before the tests is one failure.
if (status !== "0" && totals.failed === 0) totals.failed = 1;
console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
process.exitCode = totals.failed > 0 || totals.passed === 0 ? 1 : 0;
