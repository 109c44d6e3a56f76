import { expect, test } from "vitest";
import { explainRequest } from "../../src/mirror/inspector/explain.ts";
import { Observer } from "../../src/mirror/inspector/observer.ts";
import type { DirectorSpec } from "../../src/vcl/runtime.ts";
import { backendAt, programOf, serviceOf, startOrigin, testEdge, until } from "../mirror/edge/harness.ts";
import { FakeClock } from "../support/fake-clock.ts";

const SHIELD: DirectorSpec = {
  name: "ssl_shield_iad_va_us",
  type: "shield",
  shield: "iad-va-us",
  quorumPercent: 0,
  retries: null,
  members: [],
};

test("a shield whose answer is still coming when the POP has its head is told to its end", async () => {
  const clock = new FakeClock();
  const observer = new Observer(clock);
  let finish = (): void => undefined;
  const origin = await startOrigin((_request, response) => {
    response.writeHead(200, { "Cache-Control": "max-age=60" }).write("first, ");
    finish = () => void response.end("last");
  });
  const states: string[] = [];
  const program = programOf({
    backends: [backendAt(origin.port)],
    directors: [SHIELD],
    subs: {
      recv(t) {
        const shield = program.directors.get(SHIELD.name);
        if (shield !== undefined && !t.host.hasVisitedShield(SHIELD)) t.backend = shield;
      },
      fetch(t) {
        if (t.beresp !== null) t.beresp.stream = true;
        states.push(`fetch ${t.server.pop}`);
      },
      log: (t) => void states.push(`log ${t.server.pop}`),
    },
  });
  const { edge } = await testEdge(serviceOf(program), { watch: observer, clock });
  const call = { method: "GET", url: new URL("http://www.example.com/"), headers: [] };
  const explained = explainRequest({ edge, observer }, call);
  await until(() => states.includes("fetch LHR"));
  // Both have the head, and the shield has told nothing of its end yet.
  expect(states).toEqual(["fetch IAD", "fetch LHR"]);
  clock.advance(250);
  finish();
  const { trace, body } = await explained;
  expect(body).toEqual({ text: "first, last", truncated: false });
  const [shield] = trace.events.flatMap((event) => (event.kind === "backend" ? [event.shield] : []));
  expect(shield).toMatchObject({
    pop: "IAD",
    isShield: true,
    answer: { status: 200, bodyBytes: 11, ms: 250 },
  });
  expect(shield?.events.at(-1)).toMatchObject({ kind: "state", state: "log", offset: 250 });
  expect(trace.events.find(({ kind }) => kind === "backend")).toMatchObject({
    offset: 0,
    ms: 0,
    status: 200,
  });
  expect(trace.answer).toMatchObject({ status: 200, bodyBytes: 11, ms: 250 });
});
