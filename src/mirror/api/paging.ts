import { json } from "./exchange.ts";
import type { ApiContext, ApiRequest, ApiResponse } from "./exchange.ts";

const MAX_PER_PAGE = 10_000;

/**
 * The part of a list that `page` (from 1) and `per_page` ask for, or all of it without `per_page`. A `Link` header says
 * where the other pages are (recorded): go-fastly's clients, the CLI and Terraform's provider, stop without one.
 */
export function pagedJson<T>(
  context: ApiContext,
  request: ApiRequest,
  list: { readonly all: readonly T[]; readonly present: (item: T) => unknown },
): ApiResponse {
  const size = positive(request.query.get("per_page"));
  if (size === null) return json(list.all.map(list.present));
  const perPage = Math.min(size, MAX_PER_PAGE);
  const page = positive(request.query.get("page")) ?? 1;
  const start = (page - 1) * perPage;
  const answer = json(list.all.slice(start, start + perPage).map(list.present));
  const last = Math.max(1, Math.ceil(list.all.length / perPage));
  const links = [
    ...(page > 1
      ? ([
          ["prev", Math.min(page - 1, last)],
          ["first", 1],
        ] as const)
      : []),
    ...(page < last
      ? ([
          ["last", last],
          ["next", page + 1],
        ] as const)
      : []),
  ].map(([rel, number]) => `<${pageUrl(context, request, number)}>; rel="${rel}"`);
  return links.length === 0 ? answer : { ...answer, headers: { Link: links.join(", ") } };
}

function pageUrl(context: ApiContext, request: ApiRequest, page: number): string {
  const query = new URLSearchParams(request.query);
  query.set("page", String(page));
  query.sort();
  return `${context.url()}${request.path}?${query.toString()}`;
}

function positive(text: string | null): number | null {
  const value = Number(text);
  return text !== null && Number.isSafeInteger(value) && value > 0 ? value : null;
}
