import { expect, test } from "vitest";

import { commands } from "../../src/commands/mirror.ts";
import { TEST_COUNTRY_HEADER, TEST_FACTS_HEADER, TEST_POP_HEADER } from "../../src/mirror/edge/geo.ts";
import { DEFAULT_PORTS } from "../../src/mirror/mirror.ts";
import { readPage } from "./page.ts";

const page = await readPage("mirror.md");

test("docs/mirror.md has a row for every flag of `mirror up`", () => {
  const [up] = commands;
  const flags = (up?.options ?? []).map((option) => option.flags.split(" ")[0] ?? "");
  expect(flags.length).toBeGreaterThan(9);
  for (const flag of flags) expect(page).toMatch(new RegExp(`^\\|.*\`${flag}\``, "m"));
});

test("docs/mirror.md tells the ports that are used unless others are given", () => {
  const told = [...page.matchAll(/^\|[^|]*\| `--([a-z0-9-]+)-port` *\| (\d+) /gm)].map(([, part, port]) => [
    part,
    Number(port),
  ]);
  expect(Object.fromEntries(told)).toEqual({
    edge: DEFAULT_PORTS.edge,
    "edge-tls": DEFAULT_PORTS.edgeTls,
    api: DEFAULT_PORTS.api,
    s3: DEFAULT_PORTS.s3,
    inspector: DEFAULT_PORTS.inspector,
  });
});

test("docs/mirror.md has a row for every header of tests", () => {
  const told = [...page.matchAll(/^\| `(Fastly-Test-[A-Za-z]+)` /gm)].map(([, name]) => name);
  expect(new Set(told)).toEqual(new Set([TEST_COUNTRY_HEADER, TEST_FACTS_HEADER, TEST_POP_HEADER]));
});
