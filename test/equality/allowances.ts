import type { DIFFERENCES } from "../../compute/differences.ts";
import { bothViews } from "./scene.ts";
import type { Scene, Verdict } from "./scene.ts";
import {
  takeCompressedLength,
  takeDeadEnds,
  takeFarRanges,
  takeForeignKeys,
  takeLargeFiles,
  takeOtherEncoding,
  takeOwnStatuses,
  takePlainRanges,
  takeProbe,
  takeProtectedHeaders,
  takeRegionFailures,
  takeRevalidation,
  takeUnreachableAlarms,
  takeUnsatisfiableSize,
} from "./taken-fields.ts";
import {
  partOverFailure,
  partOverLargeFiles,
  partOverLengths,
  partOverMetadata,
  partOverOtherEncoding,
  partOverProbe,
  partOverRestarts,
} from "./other-answers.ts";
import {
  partOverBlindness,
  takeBlindConditions,
  takeBlindKeys,
  takeBlindState,
  takeBlindStorage,
} from "./without-http-cache.ts";

export type Id = (typeof DIFFERENCES)[number]["id"];

/** A reason for which answers may differ, asked only where they do. */
export interface Allowance {
  readonly id: Id;
  /** All that it may ever excuse, as findings are named; a `*` at the end stands for any. */
  readonly excuses: readonly string[];
  judge(scene: Scene): Verdict;
}

/** Where an answer came from, in all places that tell of it. */
const STATE = ["header cache-status", "header sf-state", "log cache"];
/** How an answer came about. */
const WAY = ["asked", "stored", ...STATE];
/** Another answer to the same visitor's request. */
const ANSWER = ["status", "header *", "body", "alarms", "log phase", "log status", ...WAY];
/** The same of another config. */
const SITE = ["log site", "log release"];

const PLATFORM_HEADERS = ["via", "x-cache", "x-cache-hits", "x-timer", "x-served-by"];
const HOP_HEADERS = new Set(["cdn-loop", "fastly-ff"]);
const DETAIL = /-(?:CLUSTER|REFRESH)\b/g;

/** What differs in every answer, and is taken out of all. */
export const EVERYWHERE: Readonly<Partial<Record<Id, (scene: Scene) => void>>> = {
  "platform-headers": (scene) => {
    for (const { headers } of bothViews(scene)) for (const name of PLATFORM_HEADERS) headers.delete(name);
  },
  "hop-headers": (scene) => {
    for (const view of bothViews(scene)) {
      view.asked = view.asked.map((one) => ({
        ...one,
        headers: one.headers.filter(([name]) => !HOP_HEADERS.has(name)),
      }));
    }
  },
  "log-fields": (scene) => {
    for (const { line } of bothViews(scene)) {
      for (const name of ["bytes", "ms", "workspace_free"]) line.delete(name);
      line.set("cache", String(line.get("cache")).replace(DETAIL, ""));
    }
    for (const name of ["sf-state", "sf-config-state"]) {
      const state = scene.vcl.headers.get(name);
      if (state !== undefined) scene.vcl.headers.set(name, state.replace(DETAIL, ""));
    }
  },
  "no-restarts": (scene) => {
    for (const { line } of bothViews(scene)) line.delete("restarts");
  },
  // VCL keeps encodings by what the request accepts.
  "cached-once": ({ vcl }) => {
    vcl.stored = vcl.stored.map((one) =>
      one.vary.join() === "accept-encoding" ? { ...one, vary: [] } : one,
    );
  },
};

/** Asked one after the other until nothing differs any more: first what excuses little. */
export const ALLOWANCES: readonly Allowance[] = [
  {
    id: "foreign-keys",
    excuses: ["stored", "header sf-keys", "header sf-config-keys"],
    judge: takeForeignKeys,
  },
  {
    id: "protected-headers",
    excuses: ["header content-range", "header fastly-ff"],
    judge: takeProtectedHeaders,
  },
  { id: "unreachable-alarm", excuses: ["alarms"], judge: takeUnreachableAlarms },
  { id: "no-http-cache", excuses: ["asked"], judge: takeBlindConditions },
  { id: "broken-objects", excuses: ["stored"], judge: takeOwnStatuses },
  { id: "no-http-cache", excuses: ["stored"], judge: takeBlindStorage },
  { id: "no-http-cache", excuses: ["header sf-config-keys"], judge: takeBlindKeys },
  { id: "compressed-length", excuses: ["header content-length"], judge: takeCompressedLength },
  { id: "unsatisfiable-size", excuses: ["header content-range"], judge: takeUnsatisfiableSize },
  { id: "no-revalidation", excuses: ["asked", "stored"], judge: takeRevalidation },
  { id: "dead-ends", excuses: ["stored"], judge: takeDeadEnds },
  { id: "failure-before-second-region", excuses: ["stored"], judge: takeRegionFailures },
  { id: "cached-once", excuses: WAY, judge: takeOtherEncoding },
  { id: "large-files", excuses: ["asked", "alarms"], judge: takeFarRanges },
  {
    id: "no-http-cache",
    excuses: [...STATE, "header sf-config-state", "header sf-config-keys"],
    judge: takeBlindState,
  },
  {
    id: "ranges-of-compressed",
    excuses: [
      "body",
      "header content-encoding",
      "header content-length",
      "header content-range",
      "header etag",
    ],
    judge: takePlainRanges,
  },
  { id: "large-files", excuses: WAY, judge: takeLargeFiles },
  { id: "no-shield", excuses: [...WAY, "header sf-config-state"], judge: takeProbe },
  // From here on whole answers are excused.
  {
    id: "ranges-of-compressed",
    excuses: ["status", "body", "header *", "log status"],
    judge: partOverLengths,
  },
  { id: "large-files", excuses: ["status", "body", "header *", "log status"], judge: partOverLargeFiles },
  { id: "cached-once", excuses: [...ANSWER, ...SITE], judge: partOverOtherEncoding },
  { id: "no-revalidation", excuses: [...ANSWER, ...SITE], judge: partOverMetadata },
  { id: "failure-before-second-region", excuses: [...ANSWER, ...SITE], judge: partOverFailure },
  { id: "no-shield", excuses: [...ANSWER, ...SITE], judge: partOverProbe },
  { id: "no-restarts", excuses: ANSWER, judge: partOverRestarts },
  { id: "no-http-cache", excuses: [...ANSWER, ...SITE], judge: partOverBlindness },
];

/** Differences that nothing here can show, and why. */
export const UNSEEN: Readonly<Partial<Record<Id, string>>> = {
  "header-names": "names are compared without case",
  "malformed-rules": "rules of the search have targets that publishing lets through",
  "plain-http": "what the front does is none of the app's",
  "request-id": "all requests have one id",
  "settings-page": "there always are settings",
};
