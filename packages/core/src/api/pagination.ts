// Pages of lists (core-contract §2.4): 1-based, at most 100 rows, past the end is 404.
import { ApiFailure } from './failure.ts';

const standardSize = 20;
const maxSize = 100;

export interface PageRequest {
  readonly page: number;
  readonly size: number;
  readonly offset: number;
}

export function readPageRequest(query: URLSearchParams): PageRequest {
  const page = Math.max(1, Number.parseInt(query.get('page') ?? '1', 10) || 1);
  const size = Math.min(maxSize, Math.max(1, Number.parseInt(query.get('page_size') ?? '', 10) || standardSize));
  return { page, size, offset: (page - 1) * size };
}

/** The envelope around the rows of one page. @throws ApiFailure 404 past the end */
export function pageOf<Row>({ page, size, offset }: PageRequest, count: number, results: readonly Row[]) {
  const pages = Math.max(1, Math.ceil(count / size));
  if (page > pages) throw new ApiFailure(404, { detail: 'Invalid page.' });
  return {
    pagination: {
      next: page < pages ? page + 1 : 0,
      previous: page - 1,
      count,
      current: page,
      total_pages: pages,
      start_index: count === 0 ? 0 : offset + 1,
      end_index: offset + results.length,
    },
    results,
    autocomplete: {},
  };
}
