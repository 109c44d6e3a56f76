const MAX_PER_PAGE = 10_000;

/** The part of a list that `page` (from 1) and `per_page` ask for; all of it without `per_page`. */
export function pageOf<T>(list: readonly T[], query: URLSearchParams): readonly T[] {
  const size = positive(query.get("per_page"));
  if (size === null) return list;
  const perPage = Math.min(size, MAX_PER_PAGE);
  const start = ((positive(query.get("page")) ?? 1) - 1) * perPage;
  return list.slice(start, start + perPage);
}

function positive(text: string | null): number | null {
  const value = Number(text);
  return text !== null && Number.isSafeInteger(value) && value > 0 ? value : null;
}
