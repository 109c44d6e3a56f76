import { BUILT_IN_PAGE, get } from "../case.ts";
import type { ConformanceCase } from "../case.ts";
import { basic, putSite } from "../raw-site.ts";

/** Two and a half blocks of 1 MiB, each eight bytes of which say where they are. */
const SIZE = 2_621_440;
const MOVIE = Array.from({ length: SIZE / 8 }, (_, i) => (i * 8).toString(16).padStart(8, "0")).join("");
/** The bytes of a range of the movie. */
const bytes = (first: number, last: number): string => MOVIE.slice(first, last + 1);

const SITE = {
  host: "media",
  site: "sf-raw-media",
  config: { r: "1" },
  objects: {
    "1/movie.mp4": {
      body: MOVIE,
      type: "video/mp4",
      headers: { cacheControl: "public, max-age=600" },
      own: { "X-Movie": "yes" },
    },
    "1/empty.mp4": { body: "", type: "video/mp4" },
    "1/moved.mp4": { body: "rule\n", metadata: { l: "/movie.mp4", c: "301" } },
    "1/plain.bin": { body: "0123456789", type: "application/octet-stream" },
    "1/text.zip": { body: "zip ".repeat(1_000), type: "application/json" },
  },
} as const;

const range = (value: string) => ({ headers: { Range: value } });

/** Files that the edge fetches and caches in blocks. */
export const largeFileCases: readonly ConformanceCase[] = [
  {
    id: "large-files/in-segments",
    title:
      "Of a large file any range is answered, over the blocks' borders, and only what was asked for is fetched",
    source: "RFC 9110 §14; fastly: segmented caching",
    needs: ["publish", "segmented", "blocks"],
    steps: [
      putSite(SITE),
      get(
        "media",
        "/movie.mp4",
        {
          status: 206,
          headers: {
            "Content-Range": `bytes 1048570-1048585/${SIZE}`,
            "Content-Type": "video/mp4",
            "Cache-Control": "public, max-age=600",
            "X-Movie": "yes",
            "Cache-Status": "sitefleet; fwd=uri-miss",
          },
          body: { equals: bytes(1_048_570, 1_048_585) },
        },
        range("bytes=1048570-1048585"),
      ),
      // Within blocks that are there.
      get(
        "media",
        "/movie.mp4",
        {
          status: 206,
          headers: { "Content-Range": `bytes 0-9/${SIZE}`, "Cache-Status": "sitefleet; hit" },
          body: { equals: bytes(0, 9) },
        },
        range("bytes=0-9"),
      ),
      get(
        "media",
        "/movie.mp4",
        {
          status: 206,
          headers: {
            "Content-Range": `bytes 2621430-2621439/${SIZE}`,
            "Cache-Status": "sitefleet; fwd=uri-miss",
          },
          body: { equals: bytes(2_621_430, SIZE) },
        },
        range("bytes=2621430-"),
      ),
      get("media", "/movie.mp4", {
        status: 200,
        headers: { "Content-Length": String(SIZE), "X-Movie": "yes" },
        body: { equals: MOVIE },
      }),
      get("media", "/movie.mp4", { status: 200, body: { equals: "" } }, { method: "HEAD" }),
    ],
  },
  {
    id: "large-files/ranges",
    title: "Of a large file any range that begins within it is answered, and the whole",
    source: "RFC 9110 §14",
    needs: ["publish", "segmented"],
    steps: [
      putSite(SITE),
      ...(
        [
          [1_048_570, 1_048_585, "bytes=1048570-1048585"],
          [0, 9, "bytes=0-9"],
          [2_621_430, SIZE - 1, "bytes=2621430-"],
          [2_621_430, SIZE - 1, "bytes=2621430-9000000"],
        ] as const
      ).map(([first, last, value]) =>
        get(
          "media",
          "/movie.mp4",
          {
            status: 206,
            headers: {
              "Content-Range": `bytes ${first}-${last}/${SIZE}`,
              "Content-Length": String(last - first + 1),
              "Content-Type": "video/mp4",
              "Cache-Control": "public, max-age=600",
              "X-Movie": "yes",
            },
            body: { equals: bytes(first, last) },
          },
          range(value),
        ),
      ),
      get("media", "/movie.mp4", {
        status: 200,
        headers: { "Content-Length": String(SIZE), "X-Movie": "yes" },
        body: { equals: MOVIE },
      }),
      get("media", "/movie.mp4", { status: 200, body: { equals: "" } }, { method: "HEAD" }),
    ],
  },
  {
    id: "large-files/unsatisfiable",
    title: "A range behind the end of a large file is answered with 416",
    source: "RFC 9110 §15.5.17",
    needs: ["publish", "segmented"],
    steps: [
      putSite(SITE),
      ...["bytes=9000000-", `bytes=${SIZE}-`].map((value) =>
        get(
          "media",
          "/movie.mp4",
          {
            status: 416,
            body: { lacks: "InvalidRange" },
          },
          range(value),
        ),
      ),
      get("media", "/text.zip", { status: 416, body: { lacks: "InvalidRange" } }, range("bytes=9000000-")),
      get("media", "/empty.mp4", { status: 416 }, range("bytes=0-")),
      get("media", "/empty.mp4", { status: 416 }, range("bytes=9000000-")),
      get("media", "/empty.mp4", { status: 200, body: { equals: "" } }),
    ],
  },
  {
    id: "large-files/other-ranges",
    title: "Ranges from an unknown beginning, several ranges and what is none get the whole file",
    source: "RFC 9110 §14.2",
    needs: ["publish", "segmented"],
    steps: [
      putSite(SITE),
      ...["bytes=-10", "bytes=0-1,5-6", "bytes=9-2", "lines=1-2", "bytes=x"].map((value) =>
        get("media", "/movie.mp4", { status: 200, body: { bytes: SIZE } }, range(value)),
      ),
    ],
  },
  {
    id: "large-files/conditions",
    title: "Conditions and If-Range are about the whole file",
    source: "RFC 9110 §13.1",
    needs: ["publish", "segmented"],
    steps: [
      putSite(SITE),
      get("media", "/movie.mp4", { status: 200 }),
      get(
        "media",
        "/movie.mp4",
        { status: 304, body: { equals: "" } },
        { headers: { "If-None-Match": "{etag}" } },
      ),
      get("media", "/movie.mp4", { status: 200 }, { method: "HEAD" }),
      get(
        "media",
        "/movie.mp4",
        { status: 206, body: { equals: bytes(8, 15) } },
        { headers: { "If-Range": "{etag}", Range: "bytes=8-15" } },
      ),
      get(
        "media",
        "/movie.mp4",
        { status: 200, body: { bytes: SIZE } },
        { headers: { "If-Range": '"another"', Range: "bytes=8-15" } },
      ),
    ],
  },
  {
    id: "large-files/what-is-none",
    title: "Misses, redirects and passwords are the same for the extensions of large files",
    source: "design: segmented caching",
    needs: ["publish", "segmented"],
    steps: [
      putSite(SITE),
      get("media", "/none.mp4", { status: 404, body: BUILT_IN_PAGE }),
      get("media", "/none.mp4", { status: 404, body: BUILT_IN_PAGE }, range("bytes=0-1")),
      get("media", "/moved.mp4", { status: 301, headers: { Location: "/movie.mp4" } }),
      get("media", "/moved.mp4", { status: 301, headers: { Location: "/movie.mp4" } }, range("bytes=0-1")),
      get(
        "media",
        "/moved.mp4",
        { status: 301, headers: { Location: "/movie.mp4" } },
        range("bytes=9000000-"),
      ),
      get("media", "/movie.mp4/", { status: 404 }),
      get("media", "/plain.bin", { status: 206, body: { equals: "23" } }, range("bytes=2-3")),
      putSite({ ...SITE, passwords: { "/": "a password" } }),
      get("media", "/movie.mp4", { status: 401 }, range("bytes=0-1")),
      get(
        "media",
        "/movie.mp4",
        { status: 206, headers: { "Cache-Control": "private, max-age=600" }, body: { equals: "00" } },
        { headers: { Range: "bytes=0-1", Authorization: basic("a password") } },
      ),
      putSite({ ...SITE, rules: ["200 /watch/: /{2}.mp4", "410 /gone /movie.mp4"] }),
      get("media", "/watch/movie", { status: 206, body: { equals: bytes(8, 15) } }, range("bytes=8-15")),
      get(
        "media",
        "/gone",
        { status: 410, headers: { ETag: null }, body: { bytes: SIZE } },
        range("bytes=8-15"),
      ),
    ],
  },
  {
    id: "large-files/never-compressed",
    title: "A file that is cached in blocks is not compressed",
    source: "fastly: segmented caching is not compatible with compression",
    needs: ["publish", "segmented"],
    steps: [
      putSite(SITE),
      get(
        "media",
        "/text.zip",
        { status: 200, headers: { "Content-Encoding": null }, body: { bytes: 4_000 } },
        { headers: { "Accept-Encoding": "br, gzip" } },
      ),
    ],
  },
];
