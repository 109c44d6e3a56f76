/** Pages that the edge makes itself. Nothing in them comes from a visitor or a site. */
export interface EdgePage {
  readonly title: string;
  readonly text: string;
}

/** By what has happened; templates set them as `SF-Title` and `SF-Text`. Plain text without markup. */
export const EDGE_PAGES = {
  purgeRefused: {
    title: "Purging by URL is not allowed",
    text: "Purge by surrogate key through the API.",
  },
  methodNotAllowed: { title: "Method not allowed", text: "This address can only be read." },
  badRequest: { title: "Bad request", text: "The address is not one that can be looked up." },
  uriTooLong: { title: "Address too long", text: "The address is longer than this server reads." },
  unusableConfig: {
    title: "This site cannot be shown",
    text: "Its configuration is not one that this server understands. The operator has been told.",
  },
  unknownHost: {
    title: "No site here yet",
    text: "This domain points to us but belongs to no site. If it is yours, add it to your site.",
  },
  gone: { title: "This site is gone", text: "It has been taken down." },
  suspended: { title: "This site is unavailable", text: "It has been suspended for now." },
  expired: {
    title: "This preview has expired",
    text: "It was shown for a limited time. Ask whoever sent you the link for a new one.",
  },
  outsideEu: {
    title: "Not available where you are",
    text: "This site is shown in the European Union only.",
  },
  unauthorized: {
    title: "Password needed",
    text: "This part of the site is protected. Enter its password; any user name will do.",
  },
  tooManyGuesses: {
    title: "Too many wrong passwords",
    text: "Please wait a few minutes before you try again.",
  },
  notFound: { title: "Page not found", text: "There is nothing at this address." },
  rangeNotSatisfiable: {
    title: "No such part of the file",
    text: "The range that was asked for begins behind the end of the file.",
  },
  /** Of the Compute app, which reads its settings; VCL has them built in. */
  misconfigured: {
    title: "This site cannot be shown",
    text: "The server lacks its settings. The operator has been told.",
  },
  trouble: {
    title: "This site cannot be reached",
    text: "Its storage does not answer at the moment. Please try again soon.",
  },
} as const satisfies Record<string, EdgePage>;

/** What stands in the page before the title, between title and heading, heading and text, text and the request's id, and after it. */
export const PAGE_PARTS = {
  head: `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>`,
  heading:
    "</title><style>:root { color-scheme: light dark; font: 16px/1.6 system-ui, sans-serif } main { max-width: 34rem; margin: 18vh auto; padding: 0 1.5rem } small { opacity: .6 }</style><main><h1>",
  text: "</h1><p>",
  request: "</p><p><small>Request ",
  end: "</small></p></main></html>",
} as const;
