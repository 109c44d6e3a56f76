import { expect, it } from "vitest";
import { FakeClock } from "../../support/fake-clock.ts";
import {
  BUCKET,
  FULL,
  READ,
  REGION,
  presign,
  send,
  sendBytes,
  sendSigned,
  signHeaders,
  startServer,
  timestampOf,
} from "./s3-fixture.ts";
import type { RawRequest, RawResponse } from "./s3-fixture.ts";
import type { S3Server } from "../../../src/mirror/s3/server.ts";

const PUT: RawRequest = {
  method: "PUT",
  path: `/${BUCKET}/k`,
  body: "hello",
  headers: { "x-amz-meta-a": "1" },
};

/** Signs `PUT`, changes what is sent afterwards, and sends it. */
function tampered(
  server: S3Server,
  change: (headers: Record<string, string>) => Partial<RawRequest> | undefined,
): Promise<RawResponse> {
  const headers = signHeaders(server, PUT);
  const changed = change(headers) ?? {};
  return sendSigned(server, { ...PUT, ...changed }, headers);
}

it("takes a request that is signed as it should be", async () => {
  const server = await startServer();
  expect((await send(server, PUT)).status).toBe(200);
  const got = await send(server, { path: `/${BUCKET}/k` });
  expect([got.status, got.body.toString(), got.headers["x-amz-meta-a"]]).toEqual([200, "hello", "1"]);
});

it("refuses an unknown key, a wrong secret and no signature at all", async () => {
  const server = await startServer();
  const unknown = await send(server, { ...PUT, credential: { ...FULL, accessKeyId: "NOBODY" } });
  expect([unknown.status, unknown.code]).toEqual([403, "InvalidAccessKeyId"]);
  const wrong = await send(server, { ...PUT, credential: { ...FULL, secretAccessKey: "wrong" } });
  expect([wrong.status, wrong.code]).toEqual([403, "SignatureDoesNotMatch"]);
  const anonymous = await sendSigned(server, { path: `/${BUCKET}/k` }, {});
  expect([anonymous.status, anonymous.code]).toEqual([403, "AccessDenied"]);
  expect(anonymous.headers["x-amz-request-id"]).toMatch(/^[0-9A-F]{16}$/);
  expect(anonymous.body.toString()).toContain(
    `<RequestId>${String(anonymous.headers["x-amz-request-id"])}</RequestId>`,
  );
});

it("refuses a request that was changed after it was signed", async () => {
  const server = await startServer();
  const cases: readonly [
    code: string,
    change: (headers: Record<string, string>) => Partial<RawRequest> | undefined,
  ][] = [
    ["SignatureDoesNotMatch", () => ({ path: `/${BUCKET}/other` })],
    ["SignatureDoesNotMatch", () => ({ path: `/${BUCKET}/k?tagging` })],
    ["SignatureDoesNotMatch", () => ({ path: `/${BUCKET}/k?x=1` })],
    ["SignatureDoesNotMatch", () => ({ method: "DELETE" })],
    ["SignatureDoesNotMatch", (headers) => void (headers["x-amz-meta-a"] = "2")],
    ["SignatureDoesNotMatch", (headers) => void delete headers["x-amz-meta-a"]],
    ["SignatureDoesNotMatch", (headers) => void (headers["host"] = "localhost")],
    ["SignatureDoesNotMatch", (headers) => void (headers["x-amz-content-sha256"] = "UNSIGNED-PAYLOAD")],
    ["AccessDenied", (headers) => void (headers["x-amz-meta-b"] = "1")],
    ["AccessDenied", (headers) => void (headers["x-amz-copy-source"] = "bucket/secret")],
    ["XAmzContentSHA256Mismatch", () => ({ body: "HELLO" })],
    ["XAmzContentSHA256Mismatch", () => ({ body: "" })],
  ];
  for (const [code, change] of cases) expect((await tampered(server, change)).code).toBe(code);
  expect((await send(server, { path: `/${BUCKET}?list-type=2` })).body.toString()).toContain(
    "<KeyCount>0</KeyCount>",
  );
});

it("requires host and every x-amz header to be under the signature", async () => {
  const server = await startServer();
  for (const name of ["host", "x-amz-date", "x-amz-meta-a"]) {
    const response = await send(server, { ...PUT, unsigned: [name] });
    expect([response.status, response.code]).toEqual([403, "AccessDenied"]);
    expect(response.body.toString()).toContain(`<HeadersNotSigned>${name}</HeadersNotSigned>`);
  }
});

it("refuses another region, another service and a scope that does not fit the date", async () => {
  const server = await startServer();
  const region = await send(server, { ...PUT, region: "us-west-2" });
  expect([region.status, region.code]).toEqual([400, "AuthorizationHeaderMalformed"]);
  expect(region.body.toString()).toContain(`<Region>${REGION}</Region>`);
  const change = (from: RegExp, to: string) => (headers: Record<string, string>) =>
    void (headers["authorization"] = (headers["authorization"] ?? "").replace(from, to));
  for (const [from, to] of [
    [/\/s3\//, "/ec2/"],
    [/\/\d{8}\//, "/20200101/"],
    [/aws4_request/, "aws3"],
    [/, Signature=.*/, ""],
    [/SignedHeaders=/, "SignedHeaders=Ä;"],
  ] as const) {
    expect((await tampered(server, change(from, to))).code).toBe("AuthorizationHeaderMalformed");
  }
  expect((await tampered(server, change(/AWS4-HMAC-SHA256/, "AWS"))).code).toBe("InvalidRequest");
  expect((await tampered(server, (headers) => void delete headers["x-amz-content-sha256"])).code).toBe(
    "InvalidRequest",
  );
});

it("lets a clock be off by 15 minutes and not more", async () => {
  const clock = new FakeClock();
  const server = await startServer({ clock });
  for (const [offset, code] of [
    [-900_000, ""],
    [900_000, ""],
    [-901_000, "RequestTimeTooSkewed"],
    [901_000, "RequestTimeTooSkewed"],
  ] as const) {
    expect((await send(server, { ...PUT, clock: new FakeClock(clock.now() + offset) })).code).toBe(code);
  }
});

it("refuses a session token, for all its keys are long-lived", async () => {
  const server = await startServer();
  expect((await send(server, { ...PUT, headers: { "x-amz-security-token": "t" } })).code).toBe(
    "InvalidToken",
  );
});

it("serves a presigned URL until it expires", async () => {
  const clock = new FakeClock();
  const server = await startServer({ clock });
  const put = presign(server, { method: "PUT", path: `/${BUCKET}/a%20b%2B`, clock });
  expect((await sendSigned(server, { method: "PUT", path: put, body: "presigned" }, {})).status).toBe(200);
  const get = presign(server, {
    path: `/${BUCKET}/a%20b%2B?response-content-type=text%2Fx-y`,
    expires: 60,
    clock,
    credential: READ,
  });
  const got = await sendSigned(server, { path: get }, {});
  expect([got.body.toString(), got.headers["content-type"]]).toEqual(["presigned", "text/x-y"]);
  expect((await sendSigned(server, { path: get.replace("x-y", "x-z") }, {})).code).toBe(
    "SignatureDoesNotMatch",
  );
  expect((await sendSigned(server, { path: get.replace("Expires=60", "Expires=600") }, {})).code).toBe(
    "SignatureDoesNotMatch",
  );
  expect((await sendSigned(server, { path: get }, { "x-amz-meta-a": "1" })).code).toBe("AccessDenied");
  expect((await sendSigned(server, { path: get, method: "DELETE" }, {})).code).toBe("SignatureDoesNotMatch");
  clock.advance(60_000);
  expect((await sendSigned(server, { path: get }, {})).status).toBe(200);
  clock.advance(1);
  const expired = await sendSigned(server, { path: get }, {});
  expect([expired.status, expired.code]).toEqual([403, "AccessDenied"]);
  expect(expired.body.toString()).toContain("<Message>Request has expired</Message>");
});

it("refuses presigned URLs that are incomplete, too long-lived, from the future or doubly signed", async () => {
  const clock = new FakeClock();
  const server = await startServer({ clock });
  const path = `/${BUCKET}/k`;
  const codeOf = async (target: string, headers: Record<string, string> = {}): Promise<string> =>
    (await sendSigned(server, { path: target }, headers)).code;
  const url = presign(server, { path, clock });
  expect(await codeOf(url.replace(/&X-Amz-Date=\w+/, ""))).toBe("AuthorizationQueryParametersError");
  expect(await codeOf(url.replace("Expires=300", "Expires=soon"))).toBe("AuthorizationQueryParametersError");
  expect(await codeOf(presign(server, { path, expires: 604_801, clock }))).toBe(
    "AuthorizationQueryParametersError",
  );
  expect(await codeOf(url.replace("HMAC-SHA256&", "HMAC-SHA1&"))).toBe("AuthorizationQueryParametersError");
  const future = presign(server, { path, clock: new FakeClock(clock.now() + 901_000) });
  expect(await codeOf(future)).toBe("AccessDenied");
  expect(await codeOf(url, { authorization: "AWS4-HMAC-SHA256 Credential=x" })).toBe("InvalidArgument");
  expect(await codeOf(`${path}?AWSAccessKeyId=x&Signature=y&Expires=1`)).toBe("InvalidRequest");
});

it("takes the bucket from the host name as well as from the path", async () => {
  const server = await startServer();
  await send(server, PUT);
  for (const host of [
    `${BUCKET}.localhost:${server.port}`,
    `${BUCKET}.s3.localhost`,
    `${BUCKET}.s3.${REGION}.amazonaws.com`,
    `${BUCKET.toUpperCase()}.LOCALHOST`,
  ]) {
    const got = await send(server, { path: "/k", headers: { host } });
    expect([host, got.body.toString()]).toEqual([host, "hello"]);
  }
  for (const host of ["localhost", "s3.localhost", `s3.${REGION}.localhost`, "other.example", "[::1]:80"]) {
    const got = await send(server, { path: `/${BUCKET}/k`, headers: { host } });
    expect([host, got.body.toString()]).toEqual([host, "hello"]);
  }
});

it("signs the path as the client encoded it or not: the key decides", async () => {
  const server = await startServer();
  const headers = signHeaders(server, { method: "PUT", path: `/${BUCKET}/a%2Bb%7E%21`, body: "x" });
  // `~` and `!` may travel bare; the canonical form is the same.
  expect(
    (await sendSigned(server, { method: "PUT", path: `/${BUCKET}/a+b~!`, body: "x" }, headers)).code,
  ).toBe("SignatureDoesNotMatch");
  const canonical = signHeaders(server, { method: "PUT", path: `/${BUCKET}/a%2Bb~%21`, body: "x" });
  expect(
    (await sendSigned(server, { method: "PUT", path: `/${BUCKET}/a+b~!`, body: "x" }, canonical)).status,
  ).toBe(200);
  expect((await send(server, { path: `/${BUCKET}/a%2Bb~%21` })).body.toString()).toBe("x");
});

it("hands metadata bytes back exactly, also those outside ASCII", async () => {
  const server = await startServer();
  const headers = signHeaders(server, {
    method: "PUT",
    path: `/${BUCKET}/k`,
    headers: { "x-amz-meta-x": "\u00c3\u00a9 \u00ff", "x-amz-meta-__proto__": "p" },
  });
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const put = await sendBytes(
    server,
    Buffer.from(
      `PUT /${BUCKET}/k HTTP/1.1\r\n${lines.join("")}content-length: 0\r\nconnection: close\r\n\r\n`,
      "latin1",
    ),
  );
  expect(put).toMatch(/^HTTP\/1.1 200 /);
  const get = Object.entries(signHeaders(server, { path: `/${BUCKET}/k` })).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  const answer = await sendBytes(
    server,
    `GET /${BUCKET}/k HTTP/1.1\r\n${get.join("")}connection: close\r\n\r\n`,
  );
  expect(answer).toContain("x-amz-meta-x: \u00c3\u00a9 \u00ff\r\n");
  expect(answer).toContain("x-amz-meta-__proto__: p\r\n");
});

it("signs with the date header where there is no x-amz-date", async () => {
  const clock = new FakeClock();
  const server = await startServer({ clock });
  const date = new Date(clock.now()).toUTCString();
  const headers = signHeaders(server, {
    path: `/${BUCKET}`,
    headers: { date },
    clock,
    unsigned: ["x-amz-date"],
  });
  delete headers["x-amz-date"];
  expect(timestampOf(clock)).toBe("20260101T000000Z");
  expect((await sendSigned(server, { path: `/${BUCKET}` }, headers)).status).toBe(200);
});
