import { connect } from "node:http2";
import { expect, test } from "vitest";
import { serviceOf, startOrigin, testEdge } from "./harness.ts";
import { compiledService } from "./service-vcl.ts";

test("early_hints sends a 103 to a client of HTTP/2 before the answer", async () => {
  const origin = await startOrigin((_request, response) => response.end("page"));
  const recv = 'early_hints("link: </a.js>; rel=preload", "link: </b.css>; rel=preload", "no header");';
  const { edge } = await testEdge(serviceOf(compiledService(origin.port, { recv })));
  const session = connect(`https://127.0.0.1:${edge.httpsPort}`, {
    servername: "www.example.com",
    rejectUnauthorized: false,
  });
  const stream = session.request({ ":path": "/", ":authority": "www.example.com" });
  const seen: unknown[] = [];
  stream.on("headers", (headers) => seen.push(headers[":status"], headers["link"]));
  stream.on("response", (headers) => seen.push(headers[":status"]));
  await new Promise((resolve) => stream.resume().on("end", resolve));
  session.destroy();
  expect(seen).toEqual([103, "</a.js>; rel=preload, </b.css>; rel=preload", 200]);
});
