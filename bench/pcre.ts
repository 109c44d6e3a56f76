import { compilePattern } from "../src/pcre/pattern.ts";
import { load } from "./statistics.ts";

const TYPICAL: readonly (readonly [string, readonly string[]])[] = [
  ["^/([^/]*)(?:/([^/]*))?", ["/assets/app.js", "/", "index"]],
  ["\\.(css|js|png)$", ["/assets/app.4f3a9c.js", "/index.html"]],
  ["^(!?)(\\d\\d\\d) (\\S+) (\\S+)$", ["301 /old/page /new/page", "!404 /a /b", "x"]],
  ["(?:^|;\\s*)session=([^;]*)", ["a=1; session=abcdef; b=2", "theme=dark; lang=de"]],
  ["(?i)gzip|br", ["br;q=1.0, gzip;q=0.8", "identity"]],
  ["^(?:www\\.)?([a-z0-9-]+)\\.example\\.(com|net)$", ["www.shop.example.com", "shop.example.org"]],
  ["^/(?!api/)(?:[^/]+/)*[^/.]+$", ["/docs/guide/start", "/api/v1/users", "/a.css"]],
];
const COSTLY: readonly (readonly [string, string])[] = [
  ["^(a+)+$", `${"a".repeat(40)}!`],
  ["^(?:a|b)*$", `${"ab".repeat(50_000)}c`],
  ["(.*)(.*)(.*)(.*)x", "a".repeat(8_000)],
  ["(?:^|;\\s*)session=([^;]*)", `${"name=value; ".repeat(730)}session=1`],
];
const WARM_UP = 200_000;
const ROUNDS = 5;
const PER_ROUND = 200_000;

/** CPU time used so far in nanoseconds; unlike the clock it does not count what other programs take. */
function cpuNanoseconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1000;
}

function nanosecondsPerMatch(source: string, subjects: readonly string[]): number {
  const pattern = compilePattern(source);
  const run = (count: number): number => {
    const begin = cpuNanoseconds();
    for (let turn = 0; turn < count; turn += 1) pattern.exec(subjects[turn % subjects.length] ?? "");
    return (cpuNanoseconds() - begin) / count;
  };
  run(WARM_UP);
  return Math.min(...Array.from({ length: ROUNDS }, () => run(PER_ROUND)));
}

function milliseconds(source: string, subject: string): { readonly ms: number; readonly result: string } {
  const pattern = compilePattern(source);
  let result = "";
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round += 1) {
    const begin = cpuNanoseconds();
    const outcome = pattern.exec(subject);
    best = Math.min(best, (cpuNanoseconds() - begin) / 1e6);
    result = outcome.kind === "limit" ? `limit: ${outcome.limit}` : outcome.kind;
  }
  return { ms: Number(best.toFixed(2)), result };
}

/**
 * The PCRE matcher on patterns such as VCL uses: nanoseconds of processor time per match and pattern, their geometric
 * mean, and milliseconds for patterns that are costly or run into a limit; each the best of some rounds.
 */
export function measurePcre(): Promise<object> {
  const typical = TYPICAL.map(([source, subjects]) => ({
    source,
    ns: Math.round(nanosecondsPerMatch(source, subjects)),
  }));
  const mean = Math.exp(typical.reduce((sum, row) => sum + Math.log(row.ns), 0) / typical.length);
  const costly = COSTLY.map(([source, subject]) => ({
    source,
    bytes: subject.length,
    ...milliseconds(source, subject),
  }));
  return Promise.resolve({ load: load(), meanNs: Math.round(mean), typical, costly });
}
